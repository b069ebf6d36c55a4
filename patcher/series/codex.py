"""Our own series, `codex`: what `series.py` is for another series."""

import os
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import overload

from patcher import __version__, patches
from patcher.model import Contract, Series
from patcher.patches import pins
from patcher.resources import BUILTIN_PINS, PACKAGE, TEMPLATES
from patcher.series.where import CODEX, digest_of

HOME = os.path.join(PACKAGE, "patches")


class _Contracts(Sequence[Contract]):
    """Contracts that are imported on first use: a build must not import the modules that they need."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _all(self) -> tuple[Contract, ...]:
        from patcher.prove import contracts

        found: tuple[Contract, ...] = getattr(contracts, self._name)
        return found

    @overload
    def __getitem__(self, index: int) -> Contract: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Contract, ...]: ...
    def __getitem__(self, index: int | slice) -> Contract | tuple[Contract, ...]:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())


SERIES = Series(
    CODEX,
    version=__version__,
    contracts=_Contracts("CONTRACTS"),
    client_contracts=_Contracts("CLIENT_CONTRACTS"),
    home=HOME,
    templates=TEMPLATES,
    pins=pins.UPSTREAM_PINS,
    builtin_pins=BUILTIN_PINS,
)


def codex() -> Series:
    """Our series with its current pins. Raises `PinsUnreadable`."""
    found = replace(SERIES, patches=patches.SERIES, client_patches=patches.CLIENT_SERIES)
    return found.loaded(_digest())


def _digest() -> str:
    """SHA-256 over its declarations, pins and templates, and the pins of the builtin sidecar."""
    with open(BUILTIN_PINS, "rb") as stream:
        parts = [digest_of(HOME), digest_of(TEMPLATES), sha256(stream.read()).hexdigest()]
    return sha256("".join(parts).encode()).hexdigest()
