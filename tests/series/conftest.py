"""The fixture of this room."""

from tests.series.support import acme

__all__ = ["acme"]
