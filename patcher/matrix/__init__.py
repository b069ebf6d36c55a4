"""Every patch on many upstream refs: verdicts, the supported range that follows, and who ended it."""

from patcher.matrix.model import Judged, Matrix, Span, Stop
from patcher.matrix.run import matrix, refs_of

__all__ = ["Judged", "Matrix", "Span", "Stop", "matrix", "refs_of"]
