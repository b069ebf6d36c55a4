"""What npm and a running sidecar put beside the code (`generated.RUNTIME`): a build that replaces the tree keeps it."""

import contextlib
import os
import stat
from collections.abc import Container

DATA, _NODE_MODULES = "data", "node_modules"


def carry_data_over(out: str, stage: str, shipped: Container[str]) -> None:
    """Hard-link into the staged tree, before the swap, the files that a running sidecar keeps in `data/`.

    The database is therefore never absent, even after a kill, and a sidecar that has it open keeps it. Links, to a
    volume for example, stay links; folders keep their mode and, where the system lets us, their owner.
    shipped: the paths of the files that the last build wrote. Raises `OSError`.
    """
    data = os.path.join(out, DATA)
    if os.path.islink(data) or os.path.isfile(data):
        if not os.path.lexists(os.path.join(stage, DATA)):
            os.link(data, os.path.join(stage, DATA), follow_symlinks=False)
        return
    if not os.path.isdir(data):
        return
    made = []
    for folder, folders, names in os.walk(data):
        relative = os.path.relpath(folder, out)
        new = os.path.join(stage, relative)
        if not os.path.isdir(new):  # of one that upstream ships, mode and owner are upstream's
            made.append((new, _made_like(folder, new)))
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            destination = os.path.join(new, name)
            path = f"{relative}/{name}".replace(os.sep, "/")
            if path not in shipped and not os.path.lexists(destination):
                os.link(os.path.join(folder, name), destination, follow_symlinks=False)
    for new, mode in reversed(made):  # only now: a folder may be read-only
        os.chmod(new, mode)


def _made_like(folder: str, new: str) -> int:
    """Make a folder with the owner of another; returns that one's mode."""
    os.mkdir(new)
    status = os.stat(folder)
    with contextlib.suppress(PermissionError):  # only root may give a folder away
        os.chown(new, status.st_uid, status.st_gid)
    return stat.S_IMODE(status.st_mode)


def keep_node_modules(old: str, new: str) -> None:
    """Move `node_modules/` from the old tree to the new one. A staged tree never has any of its own."""
    source, destination = os.path.join(old, _NODE_MODULES), os.path.join(new, _NODE_MODULES)
    if os.path.lexists(source) and os.path.isdir(new) and not os.path.lexists(destination):
        os.rename(source, destination)
