"""`capture` of a session names the source of its events (hooks, file, both), in both lists and in the single query."""

from patcher.model import Line
from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.mixed_sessions import make_sessions
from patcher.prove.queries import Row, listed, session_of


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        known = make_sessions(bed, sidecar)
        lists = {query: listed(sidecar, query) for query in ("", "sort_by=price")}
        captures = {
            way: [_word(rows.get(each.id)) for rows in lists.values()] + [_word(session_of(sidecar, each.id))]
            for way, each in known.items()
        }
    values = "; ".join(f"{way}: {', '.join(dict.fromkeys(found))}" for way, found in captures.items())
    green = all(set(captures[way]) == {f"`{each.capture}`"} for way, each in known.items())
    return Observation(green=green, said=f"in the lists and by itself `capture` is {values}")


def _word(row: Row | None) -> str:
    if row is None:
        return "of no session"
    return f"`{row['capture']}`" if "capture" in row else "absent"


CONTRACT = Contract(
    id="session_says_how_it_came_in",
    summary="`capture` of a session is `hook`, `rollout` or `both`, in the list and by itself.",
    patches=("session_capture",),
    observe=_observe,
    line=Line.V1,
)
