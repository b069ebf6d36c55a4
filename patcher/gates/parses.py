"""Every patched or added file of JavaScript or TypeScript parses, with no error that upstream did not have already."""

from collections.abc import Iterator

from patcher import javascript
from patcher.gates import overlay_lock
from patcher.gates.problem import Problem
from patcher.model import Build


def check(build: Build) -> Iterator[Problem]:
    """More syntax errors than before; for an added file, any."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for layer in build.layers:
        first.setdefault(layer.file, layer.before)
        last[layer.file] = layer.after
    for path, file in build.added.items():
        if path.endswith(javascript.ENDINGS) and overlay_lock.facts(path, file) is None:
            first[path], last[path] = "", file.data.decode()
    for path, text in last.items():
        language = javascript.language_of(path)
        errors = javascript.syntax_errors(javascript.parse(text, language))
        if errors and len(errors) > len(javascript.syntax_errors(javascript.parse(first[path], language))):
            yield Problem(f"{path}:{errors[0]}", "does not parse")
