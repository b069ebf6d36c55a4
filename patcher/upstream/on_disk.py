"""Write a tree of files to a directory and read it back, for scratch directories. `patcher.write` writes the output."""

import os
from collections.abc import Iterator, Mapping

from patcher.model import File


def write_files(tree: Mapping[str, File], folder: str) -> None:
    """Write the files, by relative POSIX path, below `folder`."""
    for path, file in tree.items():
        target = os.path.join(folder, *path.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as stream:
            stream.write(file.data)
            if file.executable:
                os.fchmod(stream.fileno(), 0o755)


def read_files(folder: str) -> Iterator[tuple[str, File]]:
    """The regular files below `folder`, with their relative POSIX paths. Links are left out."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if not os.path.islink(path):
                with open(path, "rb") as stream:
                    executable = bool(os.fstat(stream.fileno()).st_mode & 0o100)
                    yield os.path.relpath(path, folder).replace(os.sep, "/"), File(stream.read(), executable)
