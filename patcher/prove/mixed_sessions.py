"""Sessions of several harnesses, whose events came from different sources; each has its own folder."""

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
    """A session that the sidecar has. capture: its value in the API; None where the API has no such field."""

    id: str
    cwd: str
    harness: str
    capture: str | None


def make_sessions(bed: TestBed, sidecar: Sidecar) -> Mapping[str, Known]:
    """Make a Claude session, and Codex sessions from hooks, the file, or both; on the v2 line from the file only.

    Returns them by `claude`, `live`, `file`, `both`, after the sidecar has all with the right `capture`, or after 5 s.
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

    def are_distinguished() -> bool:
        rows = listed(sidecar)
        return all(
            each.id in rows and (each.capture is None or rows[each.id].get("capture") == each.capture)
            for each in known.values()
        )

    eventually(are_distinguished, _PATIENCE)
    return known
