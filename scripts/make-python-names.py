"""Print the attributes of CPython's classes that this library mirrors, as JSON.

    python3.13 scripts/make-python-names.py > scripts/checks/python-names.json

Those of the class itself, and those that its methods set on `self`, without inherited ones (but
for HTTPMessage, which has no others) and without names that begin with an underscore. The check of the `@python` tags goes by them.
"""

import ast
import http.client
import http.server
import inspect
import json
import socketserver
import textwrap

CLASSES = [
    http.client.HTTPMessage,
    http.server.BaseHTTPRequestHandler,
    http.server.HTTPServer,
    http.server.SimpleHTTPRequestHandler,
    socketserver.BaseRequestHandler,
    socketserver.BaseServer,
    socketserver.ForkingMixIn,
    socketserver.StreamRequestHandler,
    socketserver.TCPServer,
    socketserver.ThreadingMixIn,
    socketserver.UnixStreamServer,
]


def names(cls):
    if cls is http.client.HTTPMessage:
        cls = cls.__base__
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    assigned = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return sorted(name for name in {*vars(cls), *assigned} if not name.startswith("_"))


print(json.dumps({f"{cls.__module__}.{cls.__name__}": names(cls) for cls in CLASSES}, indent=2))
