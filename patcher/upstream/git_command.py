"""How git is called: without anybody's settings, fetching nothing, running no hook or filter. Leaf module.

What decides the bytes is the commit. So no configuration of a user or a machine is read; what a clone configures for
itself and could matter is overridden; and replace refs and grafts, which stand in for other objects, are not followed.
"""

import os

_SETTINGS = {
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.commitGraph": "false",  # a cache, which may be older than what it is of
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotepath": "false",
    "core.warnAmbiguousRefs": "false",
    "i18n.logOutputEncoding": "UTF-8",
    "safe.directory": "*",  # it may belong to somebody else: nothing of it is run
}
READ_ONLY = {"GIT_ALLOW_PROTOCOL": ""}
"""Environment of everything but `fetch`: a git that does not know `GIT_NO_LAZY_FETCH` may use no protocol instead."""


def command(repository: str) -> list[str]:
    """The beginning of a command line."""
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return ["git", *settings, "-C", repository]


def environment(repository: str) -> dict[str, str]:
    """The environment of a git command in this repository, and in none above it."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": os.path.dirname(os.path.realpath(repository)),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": os.path.join(os.devnull, "none"),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
