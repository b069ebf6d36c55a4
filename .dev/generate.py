"""`python3 .dev generate [--check]`: write, or compare, each file of the repository that is computed.

`patcher/gates/verified.json`: what the parsers say of our own texts. `patcher/agents/README.md`: which agents are
supported. `tests/supported.json` and the table of
`patcher/patches/README.md`: the supported versions, which takes a clone of upstream in `SIDECAR_UPSTREAM_REPO`.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import agents
import supported

from patcher import javascript
from patcher.errors import PatcherError
from patcher.gates import commonjs, es_imports, module_kinds, portable, verified
from patcher.model import Overlay, digest
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.render import portable_text, render

ROOT = Path(__file__).resolve().parent.parent


def products(upstream: str | None) -> Iterator[tuple[Path, str]]:
    """Each computed file and its text. Raises `SystemExit` for a text that no gate would pass."""
    yield Path(verified.RECORD), verified_record()
    yield agents.PAGE, agents.page()
    versions = supported.stored()
    if upstream:
        versions = supported.computed(upstream)
    else:
        sys.stderr.write("skipped: the supported versions; they take a clone of upstream in SIDECAR_UPSTREAM_REPO\n")
    yield from supported.products(versions)


def verified_record() -> str:
    """What `verified.json` must say: an entry for each text that the series has, one a line."""
    overlays = [overlay for patch in (*SERIES, *CLIENT_SERIES) for overlay in patch.overlays]
    entries = [file_entry(overlay) for overlay in overlays if javascript.is_program(overlay.path)]
    files = sorted(entries, key=lambda each: (str(each["path"]), str(each["sha256"])))
    sites = [site for patch in SERIES for site in patch.sites if _is_javascript(site.file)]
    payloads = {site.id: _passed(site.id, portable_text(site)) for site in sorted(sites, key=lambda each: each.id)}
    head, middle, tail = '{\n"files": [\n', '\n],\n"payloads": {\n', "\n}\n}\n"
    return head + _lines(map(json.dumps, files)) + middle + _lines(_fields(payloads)) + tail


def file_entry(overlay: Overlay) -> dict[str, object]:
    """What the parsers say of one file of ours. Raises `SystemExit` for a text that no gate would pass."""
    text, language = render(overlay.template, **overlay.params), javascript.language_of(overlay.path)
    flavour = commonjs if _is_javascript(overlay.path) else es_imports
    problems = [f"{line}: does not parse" for line in javascript.syntax_errors(javascript.parse(text, language))]
    requires: dict[str, set[str]] = {}
    for taken in flavour.imports(text, language):
        problems += [] if taken.module else [f"{taken.line}: `{taken.shown}` does not name a module"]
        requires.setdefault(taken.module, set()).update(taken.names)
    if problems:
        raise SystemExit("\n".join(f"{overlay.path}:{problem}" for problem in problems))
    if overlay.portable:
        _passed(overlay.path, text)
    return {
        "path": overlay.path,
        "sha256": digest(text.encode()),
        "exports": sorted(flavour.exports(text, overlay.path)),
        "requires": {module: sorted(names) for module, names in sorted(requires.items())},
        "kinds": sorted(module_kinds.kinds_of(text)) if _is_javascript(overlay.path) else [],
        "es2017": _is_javascript(overlay.path) and not list(portable.judge(overlay.path, text)),
    }


def _is_javascript(path: str) -> bool:
    return javascript.language_of(path) == javascript.JAVASCRIPT


def _passed(where: str, text: str) -> str:
    """The digest of a text that is ES2017."""
    problems = list(portable.judge(where, text))
    if problems:
        raise SystemExit("\n".join(f"{problem.where}: {problem.message}" for problem in problems))
    return digest(text.encode())


def _fields(fields: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items())


def _lines(lines: Iterator[str]) -> str:
    return ",\n".join(lines)


def main() -> int:
    """Exit code 0 when every file is as computed, or was just written; 1 when `--check` finds one that is not.

    5 where the clone of upstream cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python3 .dev generate", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is out of date")
    options = parser.parse_args()
    try:
        computed = list(products(os.environ.get("SIDECAR_UPSTREAM_REPO")))
    except PatcherError as error:
        sys.stderr.write(f"SIDECAR_UPSTREAM_REPO: {error.message}\n")
        return error.exit_code
    stale = [(path, text) for path, text in computed if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        name = path.relative_to(ROOT)
        if options.check:
            sys.stderr.write(f"{name} is out of date: `python3 .dev generate` writes it\n")
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
            sys.stderr.write(f"written: {name}\n")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
