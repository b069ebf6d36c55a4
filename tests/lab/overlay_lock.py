"""`python3 .dev lab overlay_lock [--write]`: the list of what the parser finds in each file that we add."""

import json
import sys
from collections.abc import Iterator

from patcher import javascript
from patcher.gates import commonjs, es_imports, module_kinds
from patcher.gates.overlay_lock import LOCK
from patcher.model import Overlay, digest
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.render import render

WRITE = "python3 .dev lab overlay_lock --write"


def expected() -> str:
    """What the lock must say: an entry for each text that an overlay of the series renders to, in order of paths."""
    overlays = [overlay for patch in (*SERIES, *CLIENT_SERIES) for overlay in patch.overlays]
    entries = [entry(overlay) for overlay in overlays if javascript.is_program(overlay.path)]
    shown = [_shown(each) for each in sorted(entries, key=lambda each: (each["path"], each["sha256"]))]
    return "[\n" + ",\n".join(shown) + "\n]\n"


def entry(overlay: Overlay) -> dict[str, object]:
    """What the parser says of one overlay. Raises `SystemExit` for a text that no gate would pass."""
    text, language = render(overlay.template, **overlay.params), javascript.language_of(overlay.path)
    flavour = commonjs if language == javascript.JAVASCRIPT else es_imports
    problems = list(_problems(text, language))
    takes: dict[str, set[str]] = {}
    for take in flavour.takes(text, language):
        problems += [] if take.module else [f"{take.line}: `{take.shown}` does not name a module"]
        takes.setdefault(take.module, set()).update(take.names)
    if problems:
        raise SystemExit("\n".join(f"{overlay.path}:{problem}" for problem in problems))
    return {
        "path": overlay.path,
        "sha256": digest(text.encode()),
        "gives": sorted(flavour.gives(text, overlay.path)),
        "takes": {module: sorted(names) for module, names in sorted(takes.items())},
        "kinds": sorted(module_kinds.kinds_of(text)) if language == javascript.JAVASCRIPT else [],
    }


def _problems(text: str, language: str) -> Iterator[str]:
    yield from (f"{line}: does not parse" for line in javascript.syntax_errors(javascript.parse(text, language)))


def _shown(fields: dict[str, object]) -> str:
    return (
        "  {\n" + ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items()) + "\n  }"
    )


def main() -> int:
    """Exit code 1 when the lock is out of date and `--write` is not given."""
    text = expected()
    if "--write" in sys.argv[1:]:
        with open(LOCK, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        return 0
    with open(LOCK, encoding="utf-8") as stream:
        if stream.read() == text:
            return 0
    sys.stderr.write(f"{LOCK} is out of date: `{WRITE}`\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
