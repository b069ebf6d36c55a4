"""The notification of a finished sub-agent is not a prompt: it has its own row, and names neither session nor card."""

import json
import os

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.queries import counted
from patcher.prove.sidecar import Sidecar

_SESSIONS = {
    "0c1a0de2-0000-4000-8000-000000000001": ["look around, later"],
    "0c1a0de2-0000-4000-8000-000000000002": [],
}
"""By session what its user has typed."""
_NEWS = (
    "<task-notification>\n<task-id>a1b2</task-id>\n<status>completed</status>\n"
    '<summary>Agent "look around" finished</summary>\n<result>nothing is there</result>\n</task-notification>'
)


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        for session, typed in _SESSIONS.items():
            _tell(sidecar, session, [*typed, _NEWS])
        marks = ", ".join("?" for _ in _SESSIONS)
        rows = sidecar.rows(f"SELECT * FROM events WHERE session_id IN ({marks})", *_SESSIONS)  # noqa: S608 - marks
        shown = json.dumps(
            [sidecar.rows(f"SELECT * FROM {table}") for table in ("sessions", "agents")]  # noqa: S608 - two words
        )
    prompts = [row for row in rows if row["event_type"] == "UserPromptSubmit"]
    notified = [row for row in rows if row["summary"] == 'Agent "look around" finished']
    named = "task-notification" in shown
    said = (
        f"1 prompt and 2 notifications made {counted(len(prompts), 'prompt')} and {len(notified)} notifications; "
        f"what is shown of the sessions {'has' if named else 'does not have'} their text"
    )
    return Observation(green=(len(prompts), len(notified)) == (1, 2) and not named, said=said)


def _tell(sidecar: Sidecar, session: str, prompts: list[str]) -> None:
    """Hooks and transcript of a session with these prompts."""
    path = os.path.join(sidecar.claude_home, "projects", "-home-user-project", f"{session}.jsonl")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    common = {"session_id": session, "transcript_path": path, "cwd": "/home/user/project"}
    for prompt in prompts:
        with open(path, "a", encoding="utf-8") as file:
            message = {"role": "user", "content": prompt}
            file.write(json.dumps({"type": "user", "timestamp": "2026-11-26T01:00:00.000Z", "message": message}) + "\n")
        sidecar.post_hook("UserPromptSubmit", {**common, "hook_event_name": "UserPromptSubmit", "prompt": prompt})
        sidecar.post_hook("Stop", {**common, "hook_event_name": "Stop"})


CONTRACT = Contract(
    id="claude_notification_is_not_a_prompt",
    summary="The notification of a finished sub-agent is an event of its own type, not a prompt, name or card's line.",
    patches=("claude_notifications",),
    observe=_observe,
)
