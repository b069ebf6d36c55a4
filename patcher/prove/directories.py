"""The directories and the environment of a sidecar: its tree with the packages beside it, and its own home."""

import os

from patcher.model import Tree

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT")


def lay_out(tree: Tree, directory: str, node_modules: str | None) -> str:
    """Write `tree` to `directory`/tree, with a link to its packages beside it, where Node finds them.

    The packages are not inside the tree. Returns the path of the tree.
    """
    root = os.path.join(directory, "tree")
    for path, file in tree.items():
        target = os.path.join(root, *path.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as stream:
            stream.write(file.data)
        if file.executable:
            os.chmod(target, 0o755)  # noqa: S103 - scripts are executable
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
