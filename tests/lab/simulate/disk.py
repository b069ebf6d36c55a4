"""The disk below a sidecar's database: full, or failing, while the sidecar runs, and well again.

Full is a file system of its own that something else has filled. Failing is a limit on the size of files that the process
may write (`RLIMIT_FSIZE`): each write beyond it is an I/O error for SQLite. Both need Linux; full needs the right to mount.
"""

import contextlib
import os
import resource
import shutil
import subprocess
from typing import Self

from patcher.prove import Sidecar

_SIZE = "192m"
_LEFT = 4096  # bytes of a file that can be written all the same
_PIECE = bytes(1 << 20)


class Disk:
    """The data directory of a running sidecar, on a disk of its own. A context manager, inside the sidecar's."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._ballast = os.path.join(sidecar.data_dir, "ballast")
        self.mounted = False

    def __enter__(self) -> Self:
        self._sidecar.stop()
        target = self._sidecar.data_dir
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", target]
        if shutil.which("mount"):
            self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        self._sidecar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._sidecar.kill()
        if self.mounted:
            subprocess.run(["umount", "--lazy", self._sidecar.data_dir], capture_output=True, check=False)
        self._sidecar.start()

    def has(self, fault: str) -> None:
        """From now on every write of the database fails. Where nothing can be mounted, a full disk is a failing one."""
        if fault == "full" and self.mounted:
            self._fill()
        else:
            self._limit(_LEFT)

    def is_well(self) -> None:
        """From now on it can be written again."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._ballast)
        self._limit(resource.RLIM_INFINITY)

    def _fill(self) -> None:
        with open(self._ballast, "ab", buffering=0) as file:
            piece = _PIECE
            while piece:
                try:
                    file.write(piece)
                except OSError:
                    piece = piece[: len(piece) // 2]

    def _limit(self, size: int) -> None:
        if self._sidecar.running:
            _, most = resource.prlimit(self._sidecar.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self._sidecar.pid, resource.RLIMIT_FSIZE, (size, most))
