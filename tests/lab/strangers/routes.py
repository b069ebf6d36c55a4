"""Every address that an upstream answers, as its code declares them."""

import re
from collections.abc import Iterator

from patcher.model import Tree

_MOUNTED = re.compile(r"""app\.use\(\s*["'](/api/[\w/-]+)["'],\s*(?:(\w+)\)|require\(["']\./routes/([\w-]+)["']\))""")
_REQUIRED = re.compile(r"""const (\w+) = require\(["']\./routes/([\w-]+)["']\)""")
_ROUTE = re.compile(r"""\b(?:router|app)\.(get|post|put|patch|delete)\(\s*["'](/[^"'*]*)["']""")
_PAGES = ("/", "/index.html", "/settings", "/favicon.ico", "/assets/none.js")
_NESTED = ("events", "stats", "pricing", "settings")  # of the builtin sidecar, mounted by `routes/dashboard.js`

Route = tuple[str, str]
"""Method and address."""


def routes_of(tree: Tree) -> list[Route]:
    """Each once, a parameter filled in; and the addresses of pages."""
    return list(dict.fromkeys([*(("GET", page) for page in _PAGES), *_declared(tree)]))


def _declared(tree: Tree) -> Iterator[Route]:
    index = tree["server/index.js"].data.decode()
    for verb, path in _ROUTE.findall(index):
        yield verb.upper(), path
    modules = dict(_REQUIRED.findall(index))
    for prefix, name, inline in _MOUNTED.findall(index):
        yield "GET", prefix
        yield from _of_module(tree, prefix, inline or modules.get(name, ""))
    for name in _NESTED:
        yield from _of_module(tree, f"/api/{name}", name)


def _of_module(tree: Tree, prefix: str, module: str) -> Iterator[Route]:
    file = tree.get(f"server/routes/{module}.js")
    for verb, path in _ROUTE.findall(file.data.decode()) if file else ():
        filled = re.sub(r":\w+\??", "x", path)
        yield verb.upper(), prefix + filled.rstrip("/")
