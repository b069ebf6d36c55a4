"""`sidecar.toml` in the working directory: what a person would type daily. The command line wins. Leaf module."""

import os

from patcher.errors import SettingsUnreadable
from patcher.resources import content
from patcher.upstream import foreign_json

TYPE_CHECKING = False
if TYPE_CHECKING:  # as in `uptodate`, which reads this first
    from typing import Any

FILE = "sidecar.toml"
_KEYS = ("upstream", "series", "out", "client")
_HINT = (
    'for example `upstream = "agent-monitor@v1.2.0"`, `series = ["codex", "acme"]`, `out = "sidecar"`, `client = true`'
)


def settings() -> "dict[str, Any]":
    """What is set: `upstream` and `out` (text), `series` (a list of texts), `client` (a bool); empty without a file.

    Paths are as on a command line: from the working directory, where the file is. Raises `SettingsUnreadable`.
    """
    try:
        data = content(FILE)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsUnreadable(f"cannot be read: {error.strerror}", where=FILE) from error
    try:
        text = data.decode()
        found = _plain(text)
        found = _of_toml(text) if found is None else found
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        raise SettingsUnreadable(f"is not TOML: {error}", where=FILE, hint=_HINT) from error
    for key, value in found.items():
        _refuse_unfit(key, value)
    if isinstance(found.get("series"), str):
        found["series"] = [found["series"]]
    return found


def _of_toml(text: str) -> "dict[str, Any]":
    import tomllib  # takes half as long as an up-to-date build

    return tomllib.loads(text)


def _plain(text: str) -> "dict[str, Any] | None":
    """What lines like `name = "text"` set, as TOML and JSON both write it; None for any other text."""
    found: dict[str, Any] = {}
    for line in text.split("\n"):
        if not line.isprintable() or "\\" in line:
            return None
        if not line.strip() or line.strip()[0] == "#":
            continue
        key, _, value = map(str.strip, line.partition("="))
        if key not in _KEYS or key in found:
            return None
        try:
            found[key] = foreign_json.loads(value)
        except ValueError:
            return None
        words = found[key] if isinstance(found[key], list) else [found[key]]
        if not all(isinstance(each, str | bool) for each in words):
            return None
    return found


def _refuse_unfit(key: str, value: "Any") -> None:
    if key not in _KEYS:
        raise SettingsUnreadable(f"expected {', '.join(_KEYS)}, found {key!r}", where=FILE, hint=_HINT)
    if key == "client":
        fits, wanted = isinstance(value, bool), "true or false"
    elif key == "series":
        words = value if isinstance(value, list) else [value]
        fits, wanted = bool(words) and all(isinstance(each, str) and each for each in words), "a list of series"
    else:
        fits, wanted = isinstance(value, str) and bool(value), "text"
    if not fits:
        raise SettingsUnreadable(f"expected `{key}` to be {wanted}, found {value!r}", where=FILE, hint=_HINT)


def repository_of(spec: str) -> str:
    """The repository of `REPOSITORY@REF`, for the verbs that read history; any other spec as it is."""
    from patcher.upstream.spec import split

    return spec if os.path.isdir(spec) else split(spec)[0]
