"""`sidecar.toml` in the working directory: defaults of command-line options. Leaf module."""

import os

from patcher.errors import SettingsUnreadable
from patcher.resources import content

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` takes long; `uptodate` imports this module
    from typing import Any

FILE = "sidecar.toml"
_KEYS = ("upstream", "series", "out", "client")
_HINT = (
    'for example `upstream = "agent-monitor@v1.2.0"`, `series = ["codex", "acme"]`, `out = "sidecar"`, `client = true`'
)


def settings() -> "dict[str, Any]":
    """The settings: `upstream` and `out` (str), `series` (list of str), `client` (bool); empty without a file.

    Paths are relative to the working directory, as on the command line. Raises `SettingsUnreadable`.
    """
    try:
        data = content(FILE)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsUnreadable(f"cannot be read: {error.strerror}", where=FILE) from error
    import tomllib  # slower than an up-to-date build, so imported only for a file

    try:
        found = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        raise SettingsUnreadable(f"is not TOML: {error}", where=FILE, hint=_HINT) from error
    for key, value in found.items():
        _refuse_unfit(key, value)
    if isinstance(found.get("series"), str):
        found["series"] = [found["series"]]
    return found


def _is_text(value: "Any") -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value  # no path can have a NUL character


def _refuse_unfit(key: str, value: "Any") -> None:
    if key not in _KEYS:
        raise SettingsUnreadable(f"expected {', '.join(_KEYS)}, found {key!r}", where=FILE, hint=_HINT)
    if key == "client":
        fits, wanted = isinstance(value, bool), "true or false"
    elif key == "series":
        names = value if isinstance(value, list) else [value]
        fits, wanted = bool(names) and all(map(_is_text, names)), "a list of series"
    else:
        fits, wanted = _is_text(value), "text"
    if not fits:
        raise SettingsUnreadable(f"expected `{key}` to be {wanted}, found {value!r}", where=FILE, hint=_HINT)


def repository_of(spec: str) -> str:
    """The repository of `REPOSITORY@REF`, for the verbs that read history; any other spec unchanged."""
    from patcher.upstream.spec import split

    return spec if os.path.isdir(spec) else split(spec)[0]
