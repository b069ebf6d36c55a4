"""What the scripted model makes Codex do, and how Codex is driven: one scenario a row."""

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from patcher.prove import Sidecar
from tests.lab.codex_lane.app_server import AppServer
from tests.lab.codex_lane.codex import Codex, binary
from tests.lab.codex_lane.expected import thread_of
from tests.lab.codex_lane.model_server import ROOT, Item, Request, Script, call, custom, output_of, say, tools_of

# The name of a model decides which tools it is offered: these three alike from 0.146 to 0.169.
DIRECT = "gpt-5.5"
DIRECT_WITH_AGENTS = "gpt-5.6"
CODE_MODE = "gpt-5.6-sol"
_CHILD = "CHILD-TASK"
_IMPORTED = 2.0  # seconds in which a sidecar surely has read what is there
_PATCH = "*** Begin Patch\n*** Add File: {name}\n+hello\n*** End Patch\n"

_SINCE = (0, 146)
Driver = Callable[[Codex, Sidecar], None]


@dataclass(frozen=True)
class Scenario:
    """scripts: of each thread. config: lines for config.toml. needs: hook events without which it has shown nothing.

    since: the first version that can do it. older: the version that writes the threads first. threads: whether it is driven through an app-server; then the rows are held
    against what was asked and answered, not against the rollouts.
    """

    name: str
    model: str
    scripts: Callable[[], Mapping[str, Script]]
    drive: Driver
    needs: tuple[str, ...] = ()
    config: str = ""
    hooks: bool = True
    since: tuple[int, ...] = _SINCE
    older: str = ""
    threads: bool = False


def _once(codex: Codex, sidecar: Sidecar) -> None:
    codex.run("do what the script says")


def _direct() -> Mapping[str, Script]:
    long = "sleep 1; echo late; read x; echo got $x"
    return {
        ROOT: [
            [call("exec_command", cmd="echo hi"), call("exec_command", cmd="echo failing; exit 3")],
            [call("exec_command", cmd="date +%s"), call("exec_command", cmd="date +%s")],
            [custom("apply_patch", _PATCH.format(name="one.txt"))],
            [call("exec_command", cmd=f"apply_patch <<'EOF'\n{_PATCH.format(name='two.txt')}EOF")],
            [call("exec_command", call_id="call_long", cmd=long, yield_time_ms=250, tty=True)],
            lambda request: [call("write_stdin", session_id=_process(request), chars="yo\n", yield_time_ms=4000)],
            [say("Done.")],
        ]
    }


def _process(request: Request) -> int:
    """The number that Codex gave to the command in the background."""
    words = output_of(request, "call_long").split("session ID ", 1)
    return int(words[1].split()[0])


def _code_mode() -> Mapping[str, Script]:
    first = """
        const one = await tools.exec_command({cmd: "echo nested; exit 2"});
        text(JSON.stringify(one));
        const two = await Promise.all([tools.exec_command({cmd: "date +%s"}), tools.exec_command({cmd: "date +%s"})]);
        text(String(two.length));
        try { await tools.apply_patch(PATCH); } catch (error) { text("failed " + error); }
    """.replace("PATCH", repr(_PATCH.format(name="one.txt")))
    second = """
        const long = await tools.exec_command({cmd: "sleep 1; echo late", yield_time_ms: 250});
        text(JSON.stringify(long));
        if (long.session_id) text(JSON.stringify(
            await tools.write_stdin({session_id: long.session_id, chars: "", yield_time_ms: 4000})));
    """
    return {ROOT: [[custom("exec", first)], [custom("exec", second)], [say("Done.")]]}


def _agents() -> Mapping[str, Script]:
    return {
        ROOT: [[call("exec_command", cmd="echo from the root")], _spawn, _wait, [say("Done.")]],
        _CHILD: [[call("exec_command", cmd="echo from the child")], [say("I have looked around.")]],
    }


def _agents_code_mode() -> Mapping[str, Script]:
    def script(text: str) -> Item:
        return custom("exec", f'text(JSON.stringify(await tools.exec_command({{cmd: "echo {text}"}})));')

    return {
        ROOT: [[script("from the root")], _spawn, _wait, [say("Done.")]],
        _CHILD: [[script("from the child")], [say("I have looked around.")]],
    }


def _spawn(request: Request) -> list[Item]:
    namespace = tools_of(request)["spawn_agent"]
    name = {"task_name": "look"} if namespace == "collaboration" else {}
    return [call("spawn_agent", namespace=namespace, call_id="call_spawn", message=f"{_CHILD}: look around", **name)]


def _wait(request: Request) -> list[Item]:
    namespace = tools_of(request)["wait_agent"]
    known = re.search(r'"agent_id":\s*"([^"]+)"', output_of(request, "call_spawn"))
    targets: dict[str, Any] = {"targets": [known[1]]} if known else {}
    return [call("wait_agent", namespace=namespace, timeout_ms=20000, **targets)]


def _resumed() -> Mapping[str, Script]:
    def turn(word: str) -> list[list[Item]]:
        return [[call("exec_command", cmd=f"echo {word}")], [say(f"{word}.")]]

    return {ROOT: [*turn("one"), *turn("two"), *turn("three")]}


def _resume_twice(codex: Codex, sidecar: Sidecar) -> None:
    codex.run("the same prompt")
    codex.run("resume", "--last", "the same prompt")
    codex.run("resume", "--last", "another prompt")


def _resume_while_it_is_dead(codex: Codex, sidecar: Sidecar) -> None:
    codex.run("the same prompt")
    time.sleep(0.5)  # the last hook is on its way
    sidecar.kill()
    with codex.unheard():
        codex.run("resume", "--last", "the same prompt")
    sidecar.start()
    codex.sidecar_port = sidecar.port
    codex.run("resume", "--last", "another prompt")


def _interrupted() -> Mapping[str, Script]:
    return {ROOT: [[call("exec_command", cmd="echo hi")], [call("exec_command", cmd="sleep 8", yield_time_ms=9000)]]}


def _interrupt(codex: Codex, sidecar: Sidecar) -> None:
    def in_the_long_tool() -> bool:
        tools = [hook for hook in codex.hooks() if hook.payload["hook_event_name"] == "PreToolUse"]
        return len(tools) == 2 and tools[1].code is not None

    codex.run("do what the script says", when=in_the_long_tool)


def _interrupt_and_resume(codex: Codex, sidecar: Sidecar) -> None:
    _interrupt(codex, sidecar)
    codex.run("resume", "--last", "go on")


def _compacted() -> Mapping[str, Script]:
    """With so low a limit Codex compacts before each of its own steps: here twice in one turn."""

    def step(word: str) -> list[list[Item]]:
        return [[call("exec_command", cmd=f"echo {word}")], [say(f"A summary of {word}.")]]

    return {ROOT: [*step("one"), *step("two"), [say("Done.")]]}


def _fork(codex: Codex, sidecar: Sidecar) -> None:
    codex.run("do what the script says")
    [lines] = codex.rollouts().values()
    codex.run("fork", thread_of(lines), "and now something else")


def _forked() -> Mapping[str, Script]:
    one = [[call("exec_command", cmd="echo one")], [say("One.")]]
    return {ROOT: [*one, [call("exec_command", cmd="echo two")], [say("Two.")]]}


_OLDER = "0.146.0"  # writes rollouts that 0.148 and later can migrate
_OLDEST = "0.89.0"  # and these have no turn ids


def _threads_script() -> Mapping[str, Script]:
    """The first word that a thread's history has chooses: the youngest is first."""

    def turn(word: str) -> list[Callable[[Request], list[Item]]]:
        return [lambda request: [_shell(request, f"echo {word}")], lambda _: [say(f"{word}.")]]

    return {
        "LAST": turn("last"),
        "AGAIN": turn("again"),
        _CHILD: turn("child"),
        "FORKED": turn("forked"),
        "SPAWN": [_spawn_with_context, _wait_for_it, [say("Spawned.")]],
        ROOT: [*turn("zero"), *turn("one")],
    }


def _shell(request: Request, command: str) -> Item:
    if "exec_command" in tools_of(request):
        return call("exec_command", cmd=command)
    return call("shell", command=["bash", "-lc", command])


def _spawn_with_context(request: Request) -> list[Item]:
    if "spawn_agent" not in tools_of(request):
        return [say("This Codex has no sub-agents.")]
    namespace = tools_of(request)["spawn_agent"]
    message = f"{_CHILD}: look around"
    return [call("spawn_agent", namespace=namespace, call_id="call_spawn", message=message, fork_context=True)]


def _wait_for_it(request: Request) -> list[Item]:
    return _wait(request) if "wait_agent" in tools_of(request) else [say("Nobody to wait for.")]


def _drive_threads(codex: Codex) -> str:
    """A thread, a fork of it, a fork of that one, and a sub-agent that is given the thread's history."""
    with AppServer(codex) as app:
        thread = app.start()
        app.turn(thread, "step zero")
        app.turn(thread, "step one")
        fork = app.fork(thread)
        app.turn(fork, "FORKED: go on")
        app.turn(thread, "SPAWN a sub-agent")
        app.turn(app.fork(fork), "AGAIN: go on")
    return thread


def _resume_thread(codex: Codex, thread: str) -> None:
    with AppServer(codex) as app:
        app.resume(thread)
        app.turn(thread, "LAST: go on")


def _threads(codex: Codex, sidecar: Sidecar) -> None:
    _resume_thread(codex, _drive_threads(codex))


def _threads_migrated(older: str, *, followed: bool) -> Driver:
    """An older Codex writes the threads, this one migrates them, with a sidecar that has read them before, or has not."""

    def drive(codex: Codex, sidecar: Sidecar) -> None:
        newer, codex.program = codex.program, binary(older)
        if not followed:
            sidecar.kill()
        with contextlib.nullcontext() if followed else codex.unheard():
            thread = _drive_threads(codex)
        if followed:
            time.sleep(_IMPORTED)
        codex.program = newer
        codex.migrate()
        if not followed:
            sidecar.start()
            codex.sidecar_port = sidecar.port
        _resume_thread(codex, thread)

    return drive


_WITH_AGENTS = "features.multi_agent = true"
_THREADS = (
    Scenario("threads", DIRECT_WITH_AGENTS, _threads_script, _threads, config=_WITH_AGENTS, since=(0,), threads=True),
    *(
        Scenario(
            f"migrated-{older}{'' if followed else '-unseen'}",
            DIRECT_WITH_AGENTS,
            _threads_script,
            _threads_migrated(older, followed=followed),
            config=_WITH_AGENTS,
            since=(0, 148),
            older=older,
            threads=True,
        )
        for older in (_OLDER, _OLDEST)
        for followed in (True, False)
    ),
)

SCENARIOS = (
    Scenario("direct", DIRECT, _direct, _once, ("PreToolUse", "PostToolUse", "Stop")),
    Scenario("code-mode", CODE_MODE, _code_mode, _once, ("PreToolUse", "PostToolUse", "Stop")),
    Scenario("sub-agent", DIRECT_WITH_AGENTS, _agents, _once, ("SubagentStart", "SubagentStop")),
    Scenario("sub-agent-code-mode", CODE_MODE, _agents_code_mode, _once, ("SubagentStart", "SubagentStop")),
    Scenario("resume", DIRECT, _resumed, _resume_twice, ("Stop", "SessionEnd")),
    Scenario("sidecar-killed", DIRECT, _resumed, _resume_while_it_is_dead, ("Stop", "SessionEnd")),
    Scenario("interrupted", DIRECT, _interrupted, _interrupt, ("PreToolUse",)),
    Scenario("interrupted-resume", DIRECT, _interrupted, _interrupt_and_resume, ("PreToolUse", "Stop")),
    Scenario("compaction", DIRECT, _compacted, _once, ("Stop",), config="model_auto_compact_token_limit = 12"),
    Scenario("fork", DIRECT, _forked, _fork, ("SessionStart", "Stop"), since=(0, 155)),
    Scenario("hooks-off", DIRECT, _direct, _once, config="features.hooks = false", hooks=False),
    *_THREADS,
)
