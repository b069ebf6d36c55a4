"""An event with an unknown or invalid provider is kept, and its session stays a Claude session."""

from typing import Any

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted, events_of, harness_of, session_of

_PROVIDERS: tuple[Any, ...] = ("gizmo", "Codex", "", "__proto__", "constructor", 7, None, ["codex"], {"codex": True})


def _observe(bed: TestBed) -> Observation:
    harnesses, kept = set(), 0
    with bed.sidecar() as sidecar:
        for number, provider in enumerate(_PROVIDERS):
            session = f"6c2d8b63-4e1f-4d50-8e62-1a9a2a1b8d{number:02}"
            sidecar.post_hook("UserPromptSubmit", {"session_id": session, "prompt": "hello", "__provider": provider})
            kept += len(events_of(sidecar, session))
            harnesses.add(harness_of(session_of(sidecar, session) or {}))
    said = (
        f"of {counted(len(_PROVIDERS), 'event')} from unknown providers {kept} were kept, "
        f"the `harness` of their sessions is {' or '.join(sorted(harnesses))}"
    )
    return Observation(green=kept == len(_PROVIDERS) and harnesses == {"`claude`"}, said=said)


CONTRACT = Contract(
    id="unknown_provider_changes_nothing",
    summary="An event of an unknown provider is kept, and its session stays a Claude session.",
    patches=("stamp_harness",),
    observe=_observe,
)
