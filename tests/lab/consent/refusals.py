"""The requests of `patcher.prove.cross_origin`, sent to a sidecar whose switch is off, and to one whose switch is on."""

import os
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from patcher.prove import Sidecar
from patcher.prove.cross_origin import FOREIGN_REQUESTS, ForeignRequest, RawResponse, send
from tests.lab.consent.states import flip


@dataclass(frozen=True)
class Refusal:
    """One request and its answer. changed: whether anything of the switch on disk is another than before."""

    request: ForeignRequest
    got: RawResponse
    changed: bool

    @property
    def ok(self) -> bool:
        """Refused, and nothing changed."""
        return self.got.refused and not self.changed


def on_disk(sidecar: Sidecar) -> dict[str, bytes]:
    """Every file that the switch could change: those of Codex's folder, and the user's choice."""
    paths = [os.path.join(sidecar.codex_home, name) for name in sorted(os.listdir(sidecar.codex_home))]
    paths.append(os.path.join(sidecar.data_dir, "codex-hooks.json"))
    found = {}
    for path in paths:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found[path] = file.read()
    return found


def attack(sidecar: Sidecar, request: ForeignRequest, *, enabled: bool) -> Refusal:
    """Send one request that wants `enabled`."""
    before = on_disk(sidecar)
    got = send(sidecar.port, request.encode(sidecar.port, enabled=enabled))
    return Refusal(request, got, on_disk(sidecar) != before)


def attack_all(sidecar: Sidecar) -> list[Refusal]:
    """Every request twice: to switch it on while it is off, and off while it is on."""
    found = []
    for enabled in (False, True):
        flip(sidecar, enabled=enabled)
        found += [attack(sidecar, request, enabled=not enabled) for request in FOREIGN_REQUESTS]
    return found


def table(refusals: list[Refusal]) -> str:
    """A line for each group, with the statuses that it got, and the sum."""
    lines = []
    for group, found in groupby(sorted(refusals, key=lambda each: each.request.group), lambda each: each.request.group):
        members = list(found)
        statuses = Counter(each.got.status for each in members)
        told = ", ".join(f"{status} {count} times" for status, count in sorted(statuses.items()))
        refused = sum(each.ok for each in members)
        lines.append(f"{group:<15} {refused:>3} of {len(members):>3} refused   ({told})\n")
    refused = sum(each.ok for each in refusals)
    changed = sum(each.changed for each in refusals)
    return "".join(lines) + f"{'all':<15} {refused:>3} of {len(refusals):>3} refused, {changed} changed anything\n"
