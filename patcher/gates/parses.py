"""Every patched file, and every added program, parses; a patched one did so before, as upstream ships it."""

import json
import re
from collections.abc import Iterator

from patcher import javascript
from patcher.gates import verified
from patcher.gates.problem import Problem
from patcher.model import Build
from patcher.upstream import foreign_json

_CONFLICT = re.compile(r"^<{7} .*^={7}\s.*^>{7} ", re.MULTILINE | re.DOTALL)
_LENIENT = frozenset({"css", "html"})
_HINT = "no patch can be judged in a file that Node does not load: mend it upstream, or build from another ref"


def check(build: Build) -> Iterator[Problem]:
    """The first syntax error of each file; one that upstream had before us is not forgiven, and told apart."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for layer in build.layers:
        if not javascript.has_grammar(layer.file, layer.after[:128].encode()):
            continue  # a whole file of another kind: there is nothing to say of it
        first.setdefault(layer.file, layer.before)
        last[layer.file] = layer.after
    for path, text in first.items():
        errors = _errors(path, text)
        if errors and javascript.language_of(path) in _LENIENT:
            last.pop(path)  # browsers take it; so what we make of it cannot be judged either
        elif errors:
            last.pop(path)
            yield Problem(f"{path}:{errors[0]}", f"upstream's own file has a syntax error{_about(text)}", _HINT)
    for path, file in build.added.items():
        if javascript.is_program(path, file.data) and verified.facts(path, file) is None:
            last[path] = file.data.decode()
    for path, text in last.items():
        errors = _errors(path, text) or _no_json(path, first.get(path, ""), text)
        if errors:
            yield Problem(f"{path}:{errors[0]}", "does not parse")


def _no_json(path: str, before: str, after: str) -> list[int]:
    """The line at which a file is JSON no more. The grammar takes comments, which some files of that name have."""
    if javascript.language_of(path) != "json" or _json_error(before):
        return []
    return _json_error(after)


def _json_error(text: str) -> list[int]:
    try:
        foreign_json.loads(text.encode())
    except json.JSONDecodeError as error:
        return [error.lineno]
    except ValueError:
        return [1]
    return []


def _errors(path: str, text: str) -> list[int]:
    return javascript.syntax_errors(javascript.parse(text, javascript.language_of(path)))


def _about(text: str) -> str:
    return ": there are markers of a merge conflict" if _CONFLICT.search(text) else ""
