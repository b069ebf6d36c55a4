"""`python3 .dev lab bench_conversation`: a page of 50 messages from the end of a long session, beside a short one.

One sidecar, two rollouts, pages asked for in turns; the median of each, and their ratio. Loopback only.
"""

import argparse
import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import Sequence

from patcher import pipeline
from patcher.prove import Sidecar, both_beds, dependencies_for, find_node

_MEGABYTE = 1 << 20
_PAGES = 40


def _write(path: str, thread: str, size: int) -> None:
    """A rollout of about `size` bytes: prompts, answers, calls and their outputs."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    stamp = "2026-03-01T10:00:00.000Z"

    def line(kind: str, **payload: object) -> str:
        return json.dumps({"timestamp": stamp, "type": kind, "payload": payload}) + "\n"

    with open(path, "w", encoding="utf-8") as stream:
        written = stream.write(line("session_meta", id=thread, session_id=thread, timestamp=stamp, cwd="/tmp"))
        number = 0
        while written < size:
            number += 1
            call = f"call_{number}"
            written += stream.write(line("event_msg", type="user_message", message=f"question {number}"))
            arguments = json.dumps({"cmd": "cat file"})
            asked = {"name": "exec_command", "call_id": call, "arguments": arguments}
            written += stream.write(line("response_item", type="function_call", **asked))
            ended = f"Process exited with code 0\nOutput:\n{'word ' * 600}"
            written += stream.write(line("response_item", type="function_call_output", call_id=call, output=ended))
            answer = [{"type": "output_text", "text": f"answer {number} " + "text " * 80}]
            written += stream.write(line("response_item", type="message", role="assistant", content=answer))


def _measure(sidecar: Sidecar, sizes: Sequence[int]) -> list[float]:
    """The median time of a page in each conversation, in milliseconds."""
    threads = [str(uuid.uuid4()) for _ in sizes]
    for thread, size in zip(threads, sizes, strict=True):
        path = os.path.join(sidecar.codex_home, "sessions", "2026", "03", "01")
        _write(os.path.join(path, f"rollout-2026-03-01T10-00-00-{thread}.jsonl"), thread, size)
    _wait(sidecar, threads)
    taken: list[list[float]] = [[] for _ in threads]
    for _ in range(_PAGES):
        for thread, times in zip(threads, taken, strict=True):
            began = time.perf_counter()
            page = sidecar.get(f"/api/sessions/{thread}/transcript?limit=50")
            times.append((time.perf_counter() - began) * 1000)
            if len(page["messages"]) != 50:
                raise SystemExit(f"expected 50 messages, found {len(page['messages'])}")
    return [statistics.median(times) for times in taken]


def _wait(sidecar: Sidecar, threads: Sequence[str]) -> None:
    """Until the sidecar has read both files to their ends, so that nothing else is measured."""
    before = -1
    for _ in range(600):
        now = sum(len(sidecar.get(f"/api/events?session_id={each}&limit=1").get("events", [])) for each in threads)
        total = sidecar.get("/api/stats")["total_events"]
        if now == len(threads) and total == before:
            return
        before = total
        time.sleep(2)
    raise SystemExit("the rollouts were not read in 20 minutes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the two medians and their ratio."""
    parser = argparse.ArgumentParser(prog="bench_conversation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--upstream", default="builtin", help="an upstream spec; its packages have to be installed")
    parser.add_argument("--megabytes", type=int, default=500, help="of the long rollout (default: 500)")
    options = parser.parse_args(arguments)
    build, node = pipeline.check(options.upstream), find_node()
    modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
    handler = build.tree["scripts/codex-hook-handler.js"].data.decode()
    made = both_beds(build.upstream.tree, build.tree, node=node, node_modules=modules, handler_source=handler)
    with made as (_, bed), bed.sidecar() as sidecar:
        short, long = _measure(sidecar, [5 * _MEGABYTE, options.megabytes * _MEGABYTE])
    sys.stdout.write(
        f"a page of 50 from the end: {short:.1f} ms in a rollout of 5 MB, {long:.1f} ms in one of {options.megabytes} MB,"
        f" {long / short:.2f} times\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
