"""The directories and the environment of a sidecar: its tree with the packages beside it, and its own home."""

import os

from patcher.model import Tree
from patcher.upstream.on_disk import write_files

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT")


def lay_out(tree: Tree, directory: str, node_modules: str | None) -> str:
    """Write `tree` to `directory`/tree, with a link to its packages beside it, where Node finds them.

    The packages are not inside the tree. Returns the path of the tree.
    """
    root = os.path.join(directory, "tree")
    write_files(tree, root)
    if node_modules is not None:
        os.symlink(node_modules, os.path.join(directory, "node_modules"), target_is_directory=True)
    return root


def scrubbed_environment(home: str) -> dict[str, str]:
    """The necessary part of our environment for a child process, with every home directory below `home`."""
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    scratch = os.path.join(home, "tmp")
    env.update(
        HOME=home,
        USERPROFILE=home,
        CLAUDE_HOME=os.path.join(home, ".claude"),
        CODEX_HOME=os.path.join(home, ".codex"),
        XDG_CONFIG_HOME=os.path.join(home, ".config"),
        XDG_CACHE_HOME=os.path.join(home, ".cache"),
        XDG_DATA_HOME=os.path.join(home, ".local", "share"),
        XDG_STATE_HOME=os.path.join(home, ".local", "state"),
        TMPDIR=scratch,
        TEMP=scratch,
        TMP=scratch,
    )
    return env
