"""The sidecar's own page can read and flip the switch; no other web site can, whatever requests it sends."""

import os

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.cross_origin import FOREIGN_REQUESTS, PATH, send
from patcher.prove.queries import hooks_of, text_of
from patcher.prove.sidecar import Sidecar


def _kept(sidecar: Sidecar) -> tuple[str | None, ...]:
    """The files of the switch: the user's hooks, and the user's choice."""
    return hooks_of(sidecar), text_of(os.path.join(sidecar.data_dir, "codex-hooks.json"))


def _flips(sidecar: Sidecar, *, enabled: bool) -> bool:
    """Whether the switch follows its own page: in its answer and on disk."""
    before = _kept(sidecar)
    reply = sidecar.request("PUT", PATH, {"enabled": enabled})
    answered = reply.json.get("enabled") if isinstance(reply.json, dict) else None
    return reply.status == 200 and answered is enabled and _kept(sidecar) != before


def _observe(bed: TestBed) -> Observation:
    flips: list[bool] = []
    changed: list[str] = []
    refused = 0
    with bed.sidecar() as sidecar:
        for enabled in (True, False):
            flips.append(_flips(sidecar, enabled=enabled))
            for request in FOREIGN_REQUESTS:
                before = _kept(sidecar)
                refused += send(sidecar.port, request.encode(sidecar.port, enabled=not enabled)).refused
                if _kept(sidecar) != before:
                    changed.append(request.name)
    total = 2 * len(FOREIGN_REQUESTS)
    own = f"its own page can{'' if all(flips) else 'not'} flip the switch"
    what = f"{len(changed)} changed something, {changed[0]} first" if changed else "nothing was changed"
    said = f"{own}; {refused} of {total} foreign requests were refused, and {what}"
    return Observation(green=all(flips) and refused == total and not changed, said=said)


CONTRACT = Contract(
    id="foreign_sites_cannot_flip_the_switch",
    summary="The switch is read and flipped by the sidecar's own page and by programs, by no other web site.",
    patches=("codex_hooks_page",),
    observe=_observe,
)
