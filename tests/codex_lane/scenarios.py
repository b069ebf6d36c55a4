"""What the scripted model makes Codex do, and how Codex is driven: one scenario a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.codex_lane.codex import Codex
from tests.codex_lane.model_server import ROOT, Item, Request, Script, call, custom, output_of, say, tools_of

DIRECT = "gpt-5.5"
CODE_MODE = "gpt-6-sol"
_CHILD = "CHILD-TASK"
_PATCH = "*** Begin Patch\n*** Add File: {name}\n+hello\n*** End Patch\n"

Driver = Callable[[Codex], None]


@dataclass(frozen=True)
class Scenario:
    """scripts: of each thread. config: lines for config.toml. needs: hook events without which it has shown nothing."""

    name: str
    model: str
    scripts: Callable[[], Mapping[str, Script]]
    drive: Driver
    needs: tuple[str, ...] = ()
    config: str = ""
    hooks: bool = True


def _once(codex: Codex) -> None:
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
    def spawn(request: Request) -> list[Item]:
        arguments = {"message": f"{_CHILD}: look around", "task_name": "look"}
        return [call("spawn_agent", namespace=tools_of(request)["spawn_agent"], call_id="call_spawn", **arguments)]

    def wait(request: Request) -> list[Item]:
        text = output_of(request, "call_spawn")
        identifier = text.split('"agent_id":"', 1)[1].split('"', 1)[0] if '"agent_id"' in text else ""
        arguments = {"targets": [identifier], "timeout_ms": 20000} if identifier else {"timeout_ms": 20000}
        return [call("wait_agent", namespace=tools_of(request)["wait_agent"], **arguments)]

    child = [[call("exec_command", cmd="echo from the child")], [say("I have looked around.")]]
    root = [[call("exec_command", cmd="echo from the root")], spawn, wait, [say("Done.")]]
    return {ROOT: root, _CHILD: child}


def _agents_code_mode() -> Mapping[str, Script]:
    root = f"""
        text(JSON.stringify(Object.keys(tools)));
        const spawn = tools.collaboration__spawn_agent || tools.spawn_agent || tools.multi_agent_v1__spawn_agent;
        const wait = tools.collaboration__wait_agent || tools.wait_agent || tools.multi_agent_v1__wait_agent;
        const made = await spawn({{message: "{_CHILD}: look around", task_name: "look"}});
        text(JSON.stringify(made));
        text(JSON.stringify(await wait({{timeout_ms: 20000}})));
    """
    child = 'text(JSON.stringify(await tools.exec_command({cmd: "echo from the child"})));'
    return {ROOT: [[custom("exec", root)], [say("Done.")]], _CHILD: [[custom("exec", child)], [say("I have looked.")]]}


def _resumed() -> Mapping[str, Script]:
    one = [[call("exec_command", cmd="echo one")], [say("One.")]]
    two = [[call("exec_command", cmd="echo two")], [say("Two.")]]
    return {ROOT: [*one, *two, *two]}


def _resume_twice(codex: Codex) -> None:
    codex.run("the same prompt")
    codex.run("resume", "--last", "the same prompt")
    codex.run("resume", "--last", "another prompt")


def _interrupted() -> Mapping[str, Script]:
    return {ROOT: [[call("exec_command", cmd="echo hi")], [call("exec_command", cmd="sleep 8", yield_time_ms=9000)]]}


def _interrupt(codex: Codex) -> None:
    def in_the_long_tool() -> bool:
        tools = [hook for hook in codex.hooks() if hook.payload["hook_event_name"] == "PreToolUse"]
        return len(tools) == 2 and tools[1].code is not None

    codex.run("do what the script says", when=in_the_long_tool)


def _interrupt_and_resume(codex: Codex) -> None:
    _interrupt(codex)
    codex.run("resume", "--last", "go on")


def _compacted() -> Mapping[str, Script]:
    return {ROOT: [[call("exec_command", cmd="echo hi")], [say("A summary.")], [say("Done.")], [say("Done.")]]}


SCENARIOS = (
    Scenario("direct", DIRECT, _direct, _once, ("PreToolUse", "PostToolUse", "Stop")),
    Scenario("code-mode", CODE_MODE, _code_mode, _once, ("PreToolUse", "PostToolUse", "Stop")),
    Scenario("sub-agent", DIRECT, _agents, _once, ("SubagentStart", "SubagentStop")),
    Scenario("sub-agent-code-mode", CODE_MODE, _agents_code_mode, _once, ("SubagentStart", "SubagentStop")),
    Scenario("resume", DIRECT, _resumed, _resume_twice, ("Stop", "SessionEnd")),
    Scenario("interrupted", DIRECT, _interrupted, _interrupt, ("PreToolUse",)),
    Scenario("interrupted-resume", DIRECT, _interrupted, _interrupt_and_resume, ("PreToolUse", "Stop")),
    Scenario("compaction", DIRECT, _compacted, _once, ("Stop",), config="model_auto_compact_token_limit = 12"),
    Scenario("hooks-off", DIRECT, _direct, _once, config="features.hooks = false", hooks=False),
)
