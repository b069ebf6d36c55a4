"""The list of sessions can be filtered by harness, also together with upstream's filters."""

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import listed, session_of
from patcher.prove.sample import SampleSession

_CLAUDE = "7d3e9c74-5f2a-4e61-9f73-2bab3b2c9e22"


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        sidecar.post_hook("SessionStart", {"session_id": _CLAUDE, "cwd": "/home/user/project"})
        codex = [SampleSession(f"filtered {number}", codex_home=sidecar.codex_home) for number in range(2)]
        for session in codex:
            bed.start_session(session, sidecar)
        names = {_CLAUDE: "claude"} | {session.id: f"codex {n}" for n, session in enumerate(codex)}
        sidecar.wait_for(lambda: all(session_of(sidecar, known) for known in names), 5, "the sessions of the hooks")
        expected = {
            "harness=codex": {"codex 0", "codex 1"},
            "harness=claude": {"claude"},
            "harness=codex&status=active": {"codex 0", "codex 1"},
            "harness=codex&status=error": set(),
            "harness=gizmo": set(),
            "": {"claude", "codex 0", "codex 1"},
        }
        found = {query: {names[row] for row in listed(sidecar, query)} for query in expected}
        total = sidecar.get("/api/sessions?harness=codex&limit=1")["total"]
    shown = [query for query in expected if found[query] != expected[query]] or list(expected)
    given = "; ".join(f"`?{query}` lists {', '.join(sorted(found[query])) or 'nothing'}" for query in shown[:2])
    said = f"of one Claude and two Codex sessions {given}; `?harness=codex&limit=1` counts {total} in total"
    return Observation(green=found == expected and total == 2, said=said)


CONTRACT = Contract(
    id="filter_separates_harnesses",
    summary="`GET /api/sessions?harness=` lists and counts the sessions of that harness only.",
    patches=("filter_by_harness",),
    observe=_observe,
)
