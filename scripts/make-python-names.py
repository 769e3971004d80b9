"""Print the public names of Python's modules and classes that this library mirrors, as JSON.

    python3.13 scripts/make-python-names.py > scripts/checks/python-names.json
    python3.12 scripts/make-python-names.py cgi > scripts/checks/python-names-cgi.json

`cgi` was removed in Python 3.13. Of a module, what it defines; of a class, what is of the class itself, and
what its methods set on `self`, without inherited names (but for HTTPMessage, which has no others). Names
that begin with an underscore are left out. The check of the `@python` tags goes by them, and
`docs/python-names.md` lists them.
"""

import ast
import importlib
import inspect
import json
import sys
import textwrap
import types

MODULES = sys.argv[1:] or ["http.server", "socketserver"]


def public(names):
    return sorted(name for name in names if not name.startswith("_"))


def defined_in(module):
    """What a module defines, without what it imports."""
    return public(
        name
        for name, value in vars(module).items()
        if not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", module.__name__) == module.__name__
    )


def members_of(cls):
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    assigned = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return public({*vars(cls), *assigned})


found = {}
for name in MODULES:
    module = importlib.import_module(name)
    found[name] = defined_in(module)
    for member in found[name]:
        cls = getattr(module, member)
        if inspect.isclass(cls):
            found[f"{name}.{member}"] = members_of(cls)
if "http.server" in MODULES:
    import http.client

    found["http.client.HTTPMessage"] = members_of(http.client.HTTPMessage.__base__)

print(json.dumps(dict(sorted(found.items())), indent=2))
