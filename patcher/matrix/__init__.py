"""Every patch on many upstream refs: verdicts, the supported ranges, and the commits that ended them."""

from patcher.matrix.model import Matrix, RefRange, RefResult, Stop
from patcher.matrix.run import matrix, refs_of

__all__ = ["Matrix", "RefRange", "RefResult", "Stop", "matrix", "refs_of"]
