"""The command line and environment of git: no settings, no fetches, no hooks, no filters. Leaf module.

Only the commit must decide the bytes. So the configuration of the user and the machine is not read, settings of the
clone that could matter are overridden, and replace refs and grafts, which substitute objects, are not followed.
"""

import os

_SETTINGS = {
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.commitGraph": "false",  # a cache, which may be outdated
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.quotepath": "false",
    "core.warnAmbiguousRefs": "false",
    "i18n.logOutputEncoding": "UTF-8",
    "safe.directory": "*",  # it may belong to another user; none of its code is run
}
READ_ONLY = {"GIT_ALLOW_PROTOCOL": ""}
"""For every command except `fetch`: without a protocol, old versions of git, too, cannot fetch lazily."""


def command(repository: str) -> list[str]:
    """The first arguments of a git command in this repository."""
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return ["git", *settings, "-C", repository]


def environment(repository: str) -> dict[str, str]:
    """The environment of a git command in this repository; git does not search parent directories for another one."""
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
