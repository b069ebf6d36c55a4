"""`python3 .dev lab bench_handler`: what the Codex hook handler costs a user's turn, and how soon a session is seen.

Whole processes, each beside `node -e 0` of the same Node in the same round. A handler must not be felt, whatever the
sidecar does, must print nothing, and must end with 0, whatever it is fed.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from patcher.errors import PatcherError
from patcher.prove import Node, NotSeen, Sidecar, find_node
from patcher.prove.directories import scrubbed_environment
from patcher.prove.queries import listed
from tests.lab.codex_lane.lane import Ground

MOST = 1.4
"""How many times `node -e 0` a handler may cost."""

_SESSIONS = 50
_SOON = 1.0
_LONGEST = 20


@dataclass(frozen=True)
class Run:
    """How one process ended."""

    seconds: float
    code: int
    output: str

    @property
    def silent(self) -> bool:
        """Exit code 0 and not a byte."""
        return self.code == 0 and not self.output


@dataclass
class Case:
    """One line of the table. `run` runs it once."""

    name: str
    run: Callable[[], Run]
    runs: list[Run] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def loud(self) -> list[Run]:
        """Those that printed something, or did not end with 0."""
        return [run for run in self.runs if not run.silent]


class Listener:
    """A port that takes every connection. delay: seconds until it answers; None: never."""

    def __init__(self, delay: float | None) -> None:
        self._delay = delay
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._open.append(connection)
                if self._delay is not None:
                    threading.Timer(self._delay, self._answer, [connection]).start()

    @staticmethod
    def _answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for one in (self._socket, *self._open):
            one.close()


def payload(event: str = "PreToolUse", session: str = "00000000-0000-7000-a000-000000000000") -> bytes:
    """A hook payload of ordinary size."""
    fields = {
        "session_id": session,
        "turn_id": "00000000-0000-7000-a000-000000000001",
        "transcript_path": f"/home/user/.codex/sessions/2026/01/01/rollout-{session}.jsonl",
        "cwd": "/home/user/project",
        "hook_event_name": event,
        "model": "gpt-5.5",
        "permission_mode": "bypassPermissions",
    }
    if event == "SessionStart":
        fields["source"] = "startup"
    else:
        tool = {"tool_name": "Bash", "tool_input": {"command": "ls -la"}, "tool_use_id": f"call_{uuid.uuid4().hex}"}
        return json.dumps({**fields, **tool}).encode()
    return json.dumps(fields).encode()


@dataclass(frozen=True)
class Bench:
    """The handler, and the Node that runs it, in a home of ours."""

    node: Node
    handler: str
    home: str

    def once(self, *arguments: str, port: object, stdin: bytes | None) -> Run:
        """One process. stdin: what it is fed; None: a closed one."""
        env = {**scrubbed_environment(self.home), "CLAUDE_DASHBOARD_PORT": str(port)}
        command = [self.node.path, *arguments]
        if stdin is None:
            command = ["/bin/sh", "-c", 'exec "$0" "$@" <&-', *command]
        began = time.perf_counter()
        done = subprocess.run(
            command,
            input=stdin or b"",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            timeout=_LONGEST,
            check=False,
        )
        return Run(time.perf_counter() - began, done.returncode, done.stdout.decode("utf-8", "replace"))

    def case(self, name: str, port: object, stdin: bytes | None = b"?") -> Case:
        """The handler on one payload, by default an ordinary one."""
        fed = payload() if stdin == b"?" else stdin
        return Case(name, lambda: self.once(self.handler, "PreToolUse", port=port, stdin=fed))

    def reader(self, name: str, stdin: bytes) -> Case:
        """What any Node must do with a payload: read and parse it."""
        script = 'JSON.parse(require("fs").readFileSync(0, "utf8"))'
        return Case(name, lambda: self.once("-e", script, port=0, stdin=stdin))

    def nothing(self) -> Case:
        """The measure of all others: this Node, doing nothing."""
        return Case("node -e 0", lambda: self.once("-e", "0", port=0, stdin=payload()))


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every figure is as it must be, 1 when one is not, 2 for a bad command line."""
    options = _parser().parse_args(argv)
    work = os.path.realpath(tempfile.mkdtemp(prefix="bench-handler-"))
    try:
        node = find_node(options.node)
        ground = Ground.made("builtin", node, work)
        home = os.path.join(work, "home")
        os.makedirs(os.path.join(home, "tmp"))
        bench = Bench(node, ground.handler, home)
        with Sidecar(ground.tree, node, work=work) as sidecar:
            good = [_states(bench, sidecar, options.rounds), _inputs(bench, sidecar, options.rounds)]
            good.append(_visible(bench, sidecar))
    except (PatcherError, NotSeen) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0 if all(good) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.bench_handler", description=__doc__)
    parser.add_argument(
        "--rounds", metavar="N", type=int, default=30, help="of each measurement (default: %(default)s)"
    )
    parser.add_argument("--node", metavar="PATH", help="another Node than the one that is found")
    return parser


def _play(cases: Sequence[Case], rounds: int) -> None:
    """Every case once a round, in an order of its own: what the machine does meanwhile hits all alike."""
    for case in cases:
        case.run()  # the first of each is slower: it fills the caches of the disk
    order = random.Random(1)
    for _ in range(rounds):
        for case in order.sample(cases, len(cases)):
            case.runs.append(case.run())


def _table(title: str, cases: Sequence[Case], *, limit: Callable[[Case], bool]) -> bool:
    base = cases[0].median
    good = True
    sys.stdout.write(f"\n{title}, {len(cases[0].runs)} rounds, medians\n")
    for case in cases:
        ratio = case.median / base
        wrong = bool(case.loud) or (limit(case) and ratio > MOST)
        good = good and not wrong
        said = f"{len(case.loud)} not silent" if case.loud else "silent, exit 0"
        verdict = "WRONG" if wrong else ""
        sys.stdout.write(
            f"  {case.name:<36} {case.median * 1000:7.1f} ms  {ratio:5.2f} x  {said}  {verdict}\n".rstrip()
        )
        sys.stdout.write("\n")
        for run in case.loud[:2]:
            sys.stdout.write(f"    ended with {run.code} and printed {run.output[:200]!r}\n")
    sys.stdout.flush()
    return good


@contextlib.contextmanager
def _listening(delay: float | None) -> Iterator[int]:
    listener = Listener(delay)
    try:
        yield listener.port
    finally:
        listener.close()


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _states(bench: Bench, sidecar: Sidecar, rounds: int) -> bool:
    with _listening(None) as hanging, _listening(1.0) as slow:
        cases = [
            bench.nothing(),
            bench.case("sidecar up", sidecar.port),
            bench.case("sidecar down", _closed_port()),
            bench.case("accepts, never answers", hanging),
            bench.case("answers after 1 s", slow),
        ]
        _play(cases, rounds)
    return _table(f"the sidecar's states, Node {bench.node.version}", cases, limit=lambda case: True)


def _inputs(bench: Bench, sidecar: Sidecar, rounds: int) -> bool:
    big = json.dumps({**json.loads(payload()), "tool_response": "x" * 20_000_000}).encode()
    cases = [
        bench.nothing(),
        bench.case("no input", sidecar.port, b""),
        bench.case("closed stdin", sidecar.port, None),
        bench.case("broken JSON", sidecar.port, b'{"session_id": "s"'),
        bench.case("not UTF-8", sidecar.port, b'{"session_id": "\xff\xfe"}'),
        bench.case("a list", sidecar.port, b"[1, 2]"),
        bench.case("20 MB of input", sidecar.port, big),
        bench.reader("20 MB, only parsed", big),
        bench.case("20 MB of broken JSON", sidecar.port, big[:-2]),
        bench.case("a port that is not a number", "49x"),
        bench.case("a port that is none", 99999),
    ]
    _play(cases, max(3, rounds // 3))
    # No turn hands it twenty megabytes: that it is silent is what counts there.
    return _table("what it is fed", cases, limit=lambda case: "20 MB" not in case.name)


def _visible(bench: Bench, sidecar: Sidecar) -> bool:
    seconds = []
    for _ in range(_SESSIONS):
        session = str(uuid.uuid4())
        began = time.perf_counter()
        run = bench.once(bench.handler, "SessionStart", port=sidecar.port, stdin=payload("SessionStart", session))
        if not run.silent:
            continue
        with contextlib.suppress(NotSeen):
            sidecar.wait_for(lambda: session in listed(sidecar, "limit=1000"), 5, "the session")
            seconds.append(time.perf_counter() - began)
    soon = sum(one < _SOON for one in seconds)
    worst, middle = (max(seconds), statistics.median(seconds)) if seconds else (0.0, 0.0)
    sys.stdout.write(
        f"\nSessionStart hook to visible in GET /api/sessions, from the start of the handler's process:\n"
        f"  under {_SOON:g} s: {soon} of {_SESSIONS}; median {middle * 1000:.0f} ms, worst {worst * 1000:.0f} ms\n"
    )
    return soon == _SESSIONS


if __name__ == "__main__":
    sys.exit(main())
