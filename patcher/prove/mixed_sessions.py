"""Sessions of several harnesses, whose events came in on different ways, told apart by their folders."""

from collections.abc import Mapping
from dataclasses import dataclass

from patcher.prove.contract import TestBed
from patcher.prove.queries import listed
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import Sidecar, eventually

_PATIENCE = 5.0
_CLAUDE = "5b1f0f4e-8c3a-4c55-9d0e-6a7f1f9b2d31"


@dataclass(frozen=True)
class Known:
    """A session that the sidecar has. capture: the word of the API for it; None where nobody says how it came in."""

    id: str
    cwd: str
    harness: str
    capture: str | None


def make_sessions(bed: TestBed, sidecar: Sidecar) -> Mapping[str, Known]:
    """One Claude session, and Codex sessions: by hooks, by the file, by both; by the file alone on the v2 line.

    Returns them by a word each, once the sidecar has them, and the patched one has told them apart or 5 s are over.
    """
    known = {"claude": Known(_CLAUDE, "/home/user/claude", "claude", None)}
    sidecar.post_hook("SessionStart", {"session_id": _CLAUDE, "cwd": known["claude"].cwd})
    ways = {"file": "rollout"} if bed.native else {"live": "hook", "file": "rollout", "both": "both"}
    for way, capture in ways.items():
        codex = SampleSession(way, codex_home=sidecar.codex_home, cwd=f"/home/user/{way}")
        if capture != "rollout":
            bed.send_hooks(codex.hooks, sidecar)
        if capture != "hook":
            bed.write_rollout(codex.rollout_path, codex.rollout)
        known[way] = Known(codex.id, codex.cwd, "codex", None if bed.native else capture)

    def told_apart() -> bool:
        rows = listed(sidecar)
        return all(
            each.id in rows and (each.capture is None or rows[each.id].get("capture") == each.capture)
            for each in known.values()
        )

    eventually(told_apart, _PATIENCE)
    return known
