#!/usr/bin/env python3
"""Make lib/stdlib/mimetypes-table.ts from the tables of a CPython.

    python3.13 scripts/make-mimetypes.py > lib/stdlib/mimetypes-table.ts

Only what is compiled into the standard library counts, so the tables of the host
(/etc/mime.types and its like) are cleared first.
"""
import mimetypes
import sys

mimetypes.knownfiles = []
mimetypes.init()


def table(name, doc, rows):
    lines = ["/** %s */" % doc, "export const %s: Readonly<Record<string, string>> = {" % name]
    lines += ["  '%s': '%s'," % row for row in sorted(rows.items())]
    return lines + ["}", ""]


version = "%d.%d" % sys.version_info[:2]
out = [
    "// Made by scripts/make-mimetypes.py from CPython %s; do not edit." % version,
    "",
]
out += table("TYPES_MAP", "Media types by extension, in lower case.", mimetypes._types_map_default)
out += table("ENCODINGS_MAP", "Content codings by extension; case matters.", mimetypes._encodings_map_default)
out += table(
    "SUFFIX_MAP", "Extensions that stand for two others, in lower case.", mimetypes._suffix_map_default
)
print("\n".join(out), end="")
