"""A Codex that never ran: from one truth it emits hook payloads and rollout lines, as the published versions do.

Versions differ in what they write and in which hooks they have: bare lines in 2025, then an envelope, then turn ids,
then paginated files. A model works with direct tools, or in code mode, where one script calls the tools. Each line says
which events it tells, and which tokens; what a fork or a sub-agent has copied tells nothing. Nothing here reads a clock
or a source of chance but the ones it was given.
"""

import json
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from patcher.testing.truth import Event, Tokens

Payload = dict[str, Any]

_HOOK_SINCE = {
    "SessionStart": 114,
    "Stop": 114,
    "UserPromptSubmit": 116,
    "PreToolUse": 117,
    "PostToolUse": 117,
    "PermissionRequest": 122,
    "PreCompact": 129,
    "PostCompact": 129,
    "SubagentStart": 133,
    "SubagentStop": 133,
    "SessionEnd": 145,
    "Interrupt": 150,
}
_PATCH = "*** Begin Patch\n*** Add File: {}.txt\n+hello\n*** End Patch\n"
_ITEM_OF_END = {"patch_apply_end": "FileChange", "mcp_tool_call_end": "McpToolCall"}


@dataclass(frozen=True)
class Version:
    """One Codex, by the number in the middle of its version: 146 is 0.146.0. code: its model writes scripts."""

    minor: int
    code: bool = False

    @property
    def bare(self) -> bool:
        """Whether lines have no envelope: no time, no type of their own, and neither messages nor tokens."""
        return self.minor < 30

    @property
    def turn_ids(self) -> bool:
        """Whether turns have identifiers, and their beginning and end a line."""
        return self.minor >= 100

    @property
    def paginated(self) -> bool:
        """Whether rollouts hold items with identifiers, and forks copy nothing."""
        return self.minor >= 151

    @property
    def records(self) -> bool:
        """Whether each response has a `token_usage_record`."""
        return self.minor >= 154

    def has(self, hook: str) -> bool:
        """Whether it has a hook of that name."""
        return self.minor >= _HOOK_SINCE[hook]

    def __str__(self) -> str:
        return f"0.{self.minor}.0, {'code mode' if self.code else 'direct tools'}"


BARE, NO_TURNS = Version(2), Version(89)
OLD, DIRECT, CODE = Version(124), Version(169), Version(169, code=True)
VERSIONS = (
    OLD, Version(146), Version(146, code=True), Version(151), Version(154), Version(154, code=True), DIRECT, CODE,
)  # fmt: skip


@dataclass(frozen=True)
class Copying:
    """How a fork or a sub-agent writes another thread's history into its own file.

    meta: with that thread's first line ahead. spread: milliseconds that the copying takes; the copies' times are
    spread over them. original_times: the times are as they were.
    """

    meta: bool = True
    spread: int = 0
    original_times: bool = False


@dataclass(frozen=True)
class Hook:
    """One hook payload as Codex hands it out, when it does (milliseconds), and the event that it tells."""

    payload: Payload
    at: int
    event: int


@dataclass(frozen=True)
class Line:
    """One rollout line, when it is written, and what it tells first: events, tokens, the model that a turn has.

    spurious: no Codex has written it. opens: whether a turn is open after it; None where it says nothing of that.
    """

    text: str
    at: int
    tells: tuple[int, ...] = ()
    spurious: bool = False
    tokens: Tokens | None = None
    model: str = ""
    opens: bool | None = None

    @property
    def data(self) -> bytes:
        """Its bytes, the line feed with them."""
        return f"{self.text}\n".encode("utf-8", "surrogateescape")


@dataclass
class Background:
    """A command that goes on by itself."""

    process: int
    call: str
    command: str
    output: str = ""


class Codex:
    """One Codex home, with its threads, its clock, and all that really happened.

    seed: chooses identifiers and how long things take. now: seconds since the epoch, when the first thing happens.
    numbered_calls: the provider numbers its calls anew in each turn.
    """

    def __init__(
        self,
        codex_home: str,
        *,
        version: Version = DIRECT,
        seed: int | str = 0,
        now: float | None = None,
        numbered_calls: bool = False,
    ) -> None:
        self.codex_home = codex_home
        self.version = version
        self.numbered_calls = numbered_calls
        self.random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.now = int((time.time() if now is None else now) * 1000)
        self.events: list[Event] = []
        self.hooks: list[Hook] = []
        self.threads: list[Thread] = []

    def session(self, cwd: str = "/home/user/project", *, instructions: str = "") -> "Thread":
        """A new session, which shows when its first turn begins. instructions: of any length, in its first line."""
        return Thread(self, cwd, instructions=instructions)

    def passes(self, milliseconds: int) -> None:
        """Time goes by."""
        self.now += milliseconds

    def uuid(self) -> str:
        """A UUID of version 7: it begins with the time."""
        chance = self.random.getrandbits(74)
        digits = f"{self.now:012x}7{chance >> 62:03x}{8 + (chance >> 60) % 4:x}{chance % (1 << 60):015x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def happened(self, event_type: str, thread: "Thread", mark: str, **more: Any) -> int:
        """Note a logical event; gives its index."""
        event = Event(len(self.events), event_type, thread.root, thread.id, mark, turn=thread.turn_id, **more)
        self.events.append(event)
        return event.index


@dataclass
class _Turn:
    id: str = ""
    open: bool = False
    outer: str = ""  # the script in which tools are called, in code mode
    script: tuple[int, ...] = ()  # its two events
    calls: int = 0


class Thread:
    """One thread of a Codex: a session, a fork of one, or a sub-agent, with a rollout file of its own."""

    def __init__(
        self,
        codex: Codex,
        cwd: str,
        *,
        parent: "Thread | None" = None,
        forked_from: "Thread | None" = None,
        continues: "Thread | None" = None,
        copying: Copying | None = None,
        kind: str = "thread_spawn",
        instructions: str = "",
    ) -> None:
        """kind: of a sub-agent: `thread_spawn`, `guardian`, `guardian_review`, `review`. continues: its first file."""
        self.codex = codex
        self.cwd = cwd
        self.parent = parent
        self.forked_from = forked_from
        self.continues = continues
        self.kind = kind if parent else ""
        self.id: str = continues.id if continues else codex.uuid()
        self.root: str = parent.root if parent else self.id
        self.born: int = continues.born if continues else codex.now
        self.model = ("gpt-6-sol" if codex.version.code else "gpt-5.5") if kind == "thread_spawn" else "auto-review"
        self.lines: list[Line] = []
        self.stops: dict[int, int] = {}
        self._prompt = 0
        self._version = codex.version
        self._turn = _Turn()
        self._running = False
        self._resumed = False
        self._ordinal: int = forked_from._ordinal if forked_from and codex.version.paginated else 0  # noqa: SLF001
        self._total = dict(forked_from.total) if forked_from else {}
        moment = time.gmtime(codex.now / 1000)
        day = time.strftime("%Y/%m/%d", moment)
        name = f"rollout-{time.strftime('%Y-%m-%dT%H-%M-%S', moment)}-{self.id}.jsonl"
        self.path = f"{codex.codex_home}/sessions/{day}/{name}"
        if codex.version.bare and codex.random.random() < 0.3:  # the first ones lay all in one folder, named by the day
            self.path = f"{codex.codex_home}/sessions/rollout-{time.strftime('%Y-%m-%d', moment)}-{self.id}.jsonl"
        codex.threads.append(self)
        event, mark = ("SubagentStart", "") if parent else ("SessionStart", "first")
        self._first: int = continues._first if continues else codex.happened(event, self, mark)  # noqa: SLF001 - the same thread
        self._meta(instructions)
        if forked_from and not self._version.paginated:
            self._copy(forked_from.lines, copying or Copying())
        if parent and copying:
            self._copy(filter(self._is_context, parent.lines), copying)
            if not self._version.paginated:
                self._total = dict(parent.total)

    @property
    def total(self) -> dict[str, int]:
        """The tokens that its running total has counted so far, with those of the history that it goes on from."""
        return self._total

    @property
    def turn_id(self) -> str:
        """The turn of now, or the last one; empty where turns have no identifiers."""
        return self._turn.id

    # --- turns ---------------------------------------------------------------------------------------------------

    def turn(self, prompt: str, *, model: str = "", tokens_first: bool = False) -> None:
        """A turn with its first prompt; before the first one of a process the session starts, or resumes.

        model: the user has chosen another. tokens_first: a response's tokens are written ahead of the turn's context.
        """
        self.model = model or self.model
        self._begin_turn()
        if not self._running:
            self._start()
        if tokens_first:
            self.respond()
        self._context()
        self.steer(prompt)

    def _context(self) -> None:
        turn = {"turn_id": self._turn.id} if self._version.turn_ids else {}
        self._line("turn_context", {**turn, "cwd": self.cwd, "model": self.model}, model=self.model)

    def steer(self, prompt: str) -> None:
        """A prompt in the turn that runs: it has the same turn id."""
        index = self.codex.happened("UserPromptSubmit", self, self._turn.id, prompt=prompt)
        self._hook("UserPromptSubmit", index, {"prompt": prompt})
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": prompt}]}
        self._response(said, (index,) if self._version.bare else ())
        self._prompt = index
        if self._version.paginated:
            content = [{"type": "text", "text": prompt, "text_elements": []}]
            self._item("UserMessage", self.codex.uuid(), (index,), content=content)
        else:
            self._message("user_message", (index,), message=prompt, images=[])

    def stop(self, message: str = "Done.") -> None:
        """The turn ends with the model's last words."""
        self._close_script()
        self._takes_time()
        kind = "SubagentStop" if self.parent else "Stop"
        index = self.codex.happened(kind, self, self._turn.id)
        if self._version.paginated:
            self._item("AgentMessage", self._id("msg"), content=[{"type": "Text", "text": message}])
        else:
            self._message("agent_message", message=message)
        self._response({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": message}]})
        self.respond()
        self.stops[self._prompt] = index
        if self._version.turn_ids:
            fields: Payload = {"turn_id": self._turn.id, "last_agent_message": message, "duration_ms": 900}
            self._message("task_complete", (index,), opens=False, **fields)
        said: Payload = {"stop_hook_active": False, "last_assistant_message": message}
        if self.parent:
            said["agent_transcript_path"] = self.path
        self._hook(kind, index, said)
        self._turn.open = False

    def interrupt(self) -> None:
        """The user stops the turn: what runs has no end. For a sub-agent no hook tells."""
        self._takes_time()
        index = self.codex.happened("Interrupt", self, self._turn.id)
        if not self.parent:
            self._hook("Interrupt", index)
        turn: Payload = {"turn_id": self._turn.id} if self._version.turn_ids else {}
        self._message("turn_aborted", (index,), opens=False, **turn, reason="interrupted")
        self._turn = _Turn(self._turn.id)

    def compact(self) -> None:
        """The context is compacted, in a turn of its own, and the session starts again: the same session."""
        self._begin_turn()
        before = self.codex.happened("PreCompact", self, self._turn.id, keyed=False)
        after = self.codex.happened("PostCompact", self, self._turn.id)
        end = self.codex.happened("SubagentStop" if self.parent else "Stop", self, self._turn.id)
        self._hook("PreCompact", before, {"trigger": "manual"})
        self._takes_time()
        history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "so far"}]}]
        self._line("compacted", {"message": "", "replacement_history": history}, (after,))
        self._message("context_compacted")
        self._hook("PostCompact", after, {"trigger": "manual"})
        if self._version.turn_ids:
            self._message("task_complete", (end,), opens=False, turn_id=self._turn.id, last_agent_message=None)
        self._turn.open = False
        if not self.parent and self._version.minor >= 133:
            self._start_again("compact")

    def end(self) -> None:
        """The process ends; a later turn resumes the session, in the same file."""
        if not self.parent:
            index = self.codex.happened("SessionEnd", self, "", keyed=False)
            self._hook("SessionEnd", index, {"reason": "other"}, turn=False)
        self._running = False

    # --- other threads -------------------------------------------------------------------------------------------

    def fork(self, copying: Copying | None = None, *, cwd: str = "") -> "Thread":
        """A session that goes on from here under another id. copying: how it takes the history with it."""
        self._takes_time()
        return Thread(self.codex, cwd or self.cwd, forked_from=self, copying=copying)

    def go_on(self, *, counted_anew: bool = False) -> "Thread":
        """The same thread in a second file. counted_anew: its running total begins at zero there."""
        other = Thread(self.codex, self.cwd, parent=self.parent, continues=self, kind=self.kind or "thread_spawn")
        other._total = {} if counted_anew else dict(self.total)
        other._resumed = self._resumed
        other.model = self.model
        return other

    def reviewed(self, kind: str, task: str) -> "Thread":
        """A sub-agent of Codex itself, which no tool has called and of which no hook tells."""
        child = Thread(self.codex, self.cwd, parent=self, kind=kind)
        child.turn(task)
        return child

    def spawn(
        self, task: str, *, with_context: bool = False, copying: Copying | None = None, cwd: str = ""
    ) -> "Thread":
        """A sub-agent with a task, through the tool of that name. It has no `stop` of its own yet."""
        call = self._begin("spawn_agent", "spawn_agent", {"message": task}, namespace="multi_agent_v1")
        self.codex.passes(self.codex.random.randint(1, 30))
        copying = copying or (Copying() if with_context else None)
        child = Thread(self.codex, cwd or self.cwd, parent=self, copying=copying)
        self._finish(
            call, "spawn_agent", {"message": task}, json.dumps({"agent_id": child.id}), item="CollabAgentToolCall"
        )
        child.turn(task)
        return child

    # --- tools ---------------------------------------------------------------------------------------------------

    def shell(self, command: str, output: str = "", *, exit_code: int = 0, tool: str = "exec_command") -> str:
        """A shell call. Post comes whatever the exit code, but not from the older `shell_command`. Gives its id."""
        call = self._begin_shell(command, tool)
        said = f"Wall time: 0.02 seconds\nProcess exited with code {exit_code}\nOutput:\n{output}"
        if not self._version.turn_ids:
            said = json.dumps({"output": output, "metadata": {"exit_code": exit_code, "duration_seconds": 0.1}})
        hooked = tool == "exec_command" or exit_code == 0
        return self._finish_shell(call, command, output, exit_code, said, hooked=hooked)

    def burst(self, command: str, times: int) -> list[str]:
        """The same call several times, all within one millisecond."""
        calls = [self._begin_shell(command, "exec_command", after=0) for _ in range(times)]
        said = "Wall time: 0.00 seconds\nProcess exited with code 0\nOutput:\nhi\n"
        return [self._finish_shell(call, command, "hi\n", 0, said, after=0) for call in calls]

    def background(self, command: str) -> Background:
        """A shell call that yields before its command is done."""
        call = self._begin_shell(command, "exec_command")
        running = Background(self.codex.random.randint(10000, 99999), call, command)
        if not self._version.code:
            said = f"Wall time: 1.00 seconds\nProcess running with session ID {running.process}\nOutput:\n"
            self._output("function_call_output", call, said)
        return running

    def type_into(self, running: Background, chars: str, output: str, *, exit_code: int | None = None) -> str:
        """What goes to a background command, and what comes back. With an exit code its own Post comes now."""
        arguments = {"session_id": running.process, "chars": chars}
        call = ""
        if not self._version.code:
            call = self._begin("write_stdin", "", arguments)
        running.output += output
        if exit_code is not None:
            self._late_post(running, exit_code)
        if call:
            state = (
                f"running with session ID {running.process}" if exit_code is None else f"exited with code {exit_code}"
            )
            tells = [self.codex.happened("PostToolUse", self, call, line_tool="write_stdin")]
            if exit_code is not None:
                tells.append(self._index("PostToolUse", running.call))
            said = f"Wall time: 1.00 seconds\nProcess {state}\nOutput:\n{output}"
            self._output("function_call_output", call, said, tuple(tells))
        return call

    def ends_unseen(self, running: Background) -> None:
        """A background command ends when nobody asks: no hook tells, and only newer rollouts do."""
        if self._version.paginated:
            self._late_post(running, 0, hooked=False)

    def patch(self, name: str, *, works: bool = True) -> str:
        """A patch with the tool of that name. One that fails to apply has no Post hook."""
        text = _PATCH.format(name)
        call = self._begin("apply_patch", "apply_patch", {"command": text}, custom=text)
        end: Payload = {
            "status": "completed" if works else "failed",
            "stdout": "Success." if works else "",
            "stderr": "" if works else "no such file",
            "changes": {},
        }
        said = f"Exit code: {0 if works else 1}\nWall time: 0 seconds\nOutput:\n{end['stdout'] or end['stderr']}\n"
        return self._finish(
            call, "apply_patch", {"command": text}, said, hooked=works, item="FileChange", custom=True, more=end
        )

    def shell_patch(self, name: str) -> str:
        """A patch through the shell, which Codex intercepts: a Pre hook, and never a Post hook."""
        command = f"apply_patch <<'EOF'\n{_PATCH.format(name)}EOF"
        call = self._begin_shell(command, "exec_command")
        end: Payload = {"status": "completed", "stdout": "Success.", "stderr": "", "changes": {}}
        said = "Wall time: 0.00 seconds\nOutput:\nExit code: 0\nWall time: 0 seconds\nOutput:\nSuccess.\n"
        return self._finish(call, "Bash", {"command": command}, said, hooked=False, item="FileChange", more=end)

    def remember(self, arguments: Mapping[str, Any], *, works: bool = True) -> str:
        """A call of an MCP tool, whose name differs between the roads. One that fails has no Post hook."""
        name = "mcp__mem_srv__remember"
        call = self._begin("remember", name, dict(arguments), namespace="mcp__mem_srv")
        result = {"content": [{"type": "text", "text": "remembered" if works else "no"}], "isError": not works}
        more: Payload = {"server": "mem-srv", "tool": "remember", "arguments": dict(arguments), "result": result}
        more["status"] = "completed" if works else "failed"
        said = "Wall time: 0.01 seconds\nOutput:\nremembered"
        return self._finish(
            call, name, dict(arguments), said, response=result, hooked=works, item="McpToolCall", more=more
        )

    def look(self, path: str) -> str:
        """An image; before 0.146 no hook told of it."""
        hooked = "view_image" if self._version.minor >= 146 else ""
        call = self._begin("view_image", hooked, {"path": path})
        image = [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]
        return self._finish(
            call,
            "view_image",
            {"path": path},
            image,
            response=image,
            hooked=bool(hooked),
            item="ImageView",
            more={"path": path},
        )

    def plan(self, step: str) -> str:
        """A plan. Hooks told of it in 0.146; in newer ones the tool is gone, and a call of it has no hook."""
        arguments = {"plan": [{"step": step, "status": "in_progress"}]}
        hooked = "update_plan" if self._version.minor == 146 else ""
        call = self._begin("update_plan", hooked, arguments)
        return self._finish(call, "update_plan", arguments, "Plan updated", hooked=bool(hooked))

    def search(self, query: str) -> str:
        """A web search by the model's host: no hook tells of it."""
        call = self._id("ws")
        events = tuple(
            self.codex.happened(phase, self, call, line_tool="web_search") for phase in ("PreToolUse", "PostToolUse")
        )
        action = {"type": "search", "query": query}
        if self._version.paginated:
            self._item("WebSearch", call, events, query=query, action=action)
        else:
            self._message("web_search_end", events, call_id=call, query=query, action=action)
        self._response({"type": "web_search_call", "id": call, "status": "completed", "action": action}, events)
        return call

    def ask_permission(self, command: str) -> None:
        """Codex asks before it runs a command: a hook without any identifier of its own."""
        fields = {"tool_name": "Bash", "tool_input": {"command": command, "description": "Runs it."}}
        index = self.codex.happened("PermissionRequest", self, self._turn.id, keyed=False, hook_tool="Bash")
        self._hook("PermissionRequest", index, fields)

    def begin_shell(self, command: str) -> str:
        """A shell call that never ends, because the turn is interrupted."""
        return self._begin_shell(command, "exec_command")

    # --- how tools are written -----------------------------------------------------------------------------------

    def _begin_shell(self, command: str, tool: str, *, after: int | None = None) -> str:
        arguments: Payload = {"cmd" if tool == "exec_command" else "command": command}
        if not self._version.turn_ids:
            tool, arguments = "shell", {"command": ["bash", "-lc", command], "workdir": self.cwd}
        return self._begin(tool, "Bash", arguments, hook_input={"command": command}, after=after)

    def _begin(
        self,
        tool: str,
        hook_tool: str,
        arguments: Payload,
        *,
        hook_input: Payload | None = None,
        namespace: str = "",
        custom: str = "",
        after: int | None = None,
    ) -> str:
        """A call: its line, and its hook if `hook_tool` names one. In code mode it is in a script, and has no line."""
        self._wait(after)
        if self._version.code:
            self._open_script()
            chance = self.codex.uuid()
            call = f"exec-{chance[:14]}4{chance[15:]}"
        else:
            call = self._call_id()
        index = self.codex.happened("PreToolUse", self, call, hook_tool=hook_tool, line_tool=tool)
        if not self._version.code:
            item: Payload = {"call_id": call, "name": tool}
            if custom:
                item.update(type="custom_tool_call", input=custom)
            else:
                item.update(type="function_call", arguments=json.dumps(arguments))
            if namespace:
                item["namespace"] = namespace
            self._response(item, (index,))
        if hook_tool:
            self._wait(after)
            fields = {"tool_name": hook_tool, "tool_input": hook_input or arguments, "tool_use_id": call}
            self._hook("PreToolUse", index, fields)
        return call

    def _finish(
        self,
        call: str,
        hook_tool: str,
        arguments: Payload,
        output: Any,
        *,
        response: Any = None,
        hooked: bool = True,
        item: str = "",
        custom: bool = False,
        after: int | None = None,
        more: Payload | None = None,
    ) -> str:
        """The end of a call: the hook, the item or the message that newer or older versions write, and the output."""
        self._wait(after)
        pre = self._index("PreToolUse", call)
        line_tool = self.codex.events[pre].line_tool
        post = self.codex.happened(
            "PostToolUse", self, call, hook_tool=hook_tool if hooked else "", line_tool=line_tool
        )
        if hooked:
            said = output if response is None else response
            fields = {"tool_name": hook_tool, "tool_input": arguments, "tool_response": said, "tool_use_id": call}
            self._hook("PostToolUse", post, fields)
        if item and self._version.paginated:
            self._item(item, call, (pre, post), **(more or {}))
        elif item in _ITEM_OF_END.values():
            self._old_end(item, call, (pre, post), more or {})
        if not self._version.code:
            self._output("custom_tool_call_output" if custom else "function_call_output", call, output, (post,))
        return call

    def _old_end(self, item: str, call: str, tells: tuple[int, ...], more: Payload) -> None:
        if item == "McpToolCall":
            invocation = {name: more[name] for name in ("server", "tool", "arguments")}
            duration = {"secs": 0, "nanos": 398428}
            result = {"Ok": more["result"]}
            end: Payload = {"invocation": invocation, "duration": duration, "result": result}
            self._message("mcp_tool_call_end", tells, call_id=call, **end)
        else:
            more = {**more, "success": more["status"] == "completed"}
            self._message("patch_apply_end", tells, call_id=call, turn_id=self._turn.id, **more)

    def _finish_shell(
        self,
        call: str,
        command: str,
        output: str,
        exit_code: int,
        said: str,
        *,
        hooked: bool = True,
        after: int | None = None,
    ) -> str:
        more = self._execution(command, output, exit_code)
        return self._finish(
            call,
            "Bash",
            {"command": command},
            said,
            response=output,
            hooked=hooked,
            item="CommandExecution",
            after=after,
            more=more,
        )

    def _execution(self, command: str, output: str, exit_code: int) -> Payload:
        return {
            "command": ["/bin/bash", "-lc", command],
            "cwd": f"file://{self.cwd}",
            "status": "completed" if exit_code == 0 else "failed",
            "aggregated_output": output,
            "exit_code": exit_code,
            "duration": {"secs": 0, "nanos": 20_000_000},
        }

    def _late_post(self, running: Background, exit_code: int, *, hooked: bool = True) -> None:
        tool = self.codex.events[self._index("PreToolUse", running.call)].line_tool
        post = self.codex.happened("PostToolUse", self, running.call, hook_tool="Bash", line_tool=tool)
        fields = {"tool_name": "Bash", "tool_input": {"command": running.command}, "tool_response": running.output}
        if hooked:
            self._hook("PostToolUse", post, {**fields, "tool_use_id": running.call})
        if self._version.paginated:
            pre = self._index("PreToolUse", running.call)
            more = self._execution(running.command, running.output, exit_code)
            self._item("CommandExecution", running.call, (pre, post), **more)

    def _open_script(self) -> None:
        if self._turn.outer:
            return
        self._turn.outer = self._call_id()
        before, after = (
            self.codex.happened(phase, self, self._turn.outer, line_tool="exec", script=True)
            for phase in ("PreToolUse", "PostToolUse")
        )
        self._turn.script = (after,)
        item = {"type": "custom_tool_call", "call_id": self._turn.outer, "name": "exec"}
        self._response({**item, "input": "await tools.work()"}, (before,))

    def _close_script(self) -> None:
        if not self._turn.outer:
            return
        said = [{"type": "input_text", "text": "Script completed\nWall time 0.8 seconds\nOutput:\n"}]
        self._output("custom_tool_call_output", self._turn.outer, said, self._turn.script)
        self._turn.outer = ""

    def close_script(self) -> None:
        """In code mode, the script of now is done, and the next call is in another. Else nothing."""
        self._close_script()

    # --- how both roads are written ------------------------------------------------------------------------------

    def _start(self) -> None:
        """The process begins to work on the thread; only the first time has an identifier."""
        self._running = True
        if self.parent:
            self._hook("SubagentStart", self._first)
        elif self._resumed:
            self._start_again("resume")
        else:
            source = "fork" if self.forked_from and self._version.minor >= 155 else "startup"
            self._hook("SessionStart", self._first, {"source": source}, turn=False)
        self._resumed = True

    def _start_again(self, source: str) -> None:
        index = self.codex.happened("SessionStart", self, source, keyed=False)
        self._hook("SessionStart", index, {"source": source}, turn=False)

    def _index(self, event_type: str, mark: str) -> int:
        return next(
            event.index
            for event in reversed(self.codex.events)
            if (event.event_type, event.mark, event.thread) == (event_type, mark, self.id)
        )

    def _begin_turn(self) -> None:
        self._wait(None)
        self._turn = _Turn(self.codex.uuid() if self._version.turn_ids else "", open=True)
        if self._version.turn_ids:
            self._message("task_started", opens=True, turn_id=self._turn.id, started_at=self.codex.now // 1000)

    def _meta(self, instructions: str) -> None:
        meta: Payload = {
            "id": self.id,
            "timestamp": iso(self.born),
            "cwd": self.cwd,
            "originator": "codex_exec",
            "cli_version": f"0.{self._version.minor}.0",
            "source": "exec",
            "model_provider": "mock",
            "git": {},
        }
        if self._version.minor >= 146:
            meta.update(session_id=self.root, thread_source="user")
            meta["history_mode"] = "paginated" if self._version.paginated else "legacy"
        if instructions:
            meta["base_instructions"] = {"text": instructions}
        if self.forked_from:
            meta["forked_from_id"] = self.forked_from.id
            if self._version.paginated:
                end = self._ordinal
                meta["forked_from_ordinal_exclusive"] = end
                meta["history_base"] = {"thread_id": self.forked_from.id, "end_ordinal_exclusive": end}
        if self.parent:
            meta.update(self._parentage(self.parent))
        self._line("session_meta", meta, (self._first,))

    def _parentage(self, parent: "Thread") -> Payload:
        """Where the first line says whose sub-agent it is: in more than one place since 0.146."""
        if self.kind == "thread_spawn":
            depth = 1
            above = parent
            while above.parent:
                above, depth = above.parent, depth + 1
            spawn = {"parent_thread_id": parent.id, "depth": depth, "agent_nickname": "Ada", "agent_role": "worker"}
            said: Payload = {"source": {"subagent": {"thread_spawn": spawn}}}
            more = {"thread_source": "subagent", "parent_thread_id": parent.id} if self._version.minor >= 146 else {}
            return {**said, **more}
        said = {"source": {"subagent": "review" if self.kind == "review" else {"other": "guardian"}}}
        source = "guardian_review" if self.kind == "guardian_review" else "subagent"
        return {**said, "thread_source": source, "parent_thread_id": parent.id}

    def _is_context(self, line: Line) -> bool:
        """Whether a sub-agent that is given its parent's context has a copy of this line."""
        entry = json.loads(line.text)
        outer, kind = str(entry["type"]), str(entry["payload"].get("type"))
        if outer == "event_msg" and self._version.paginated:
            return kind in {"task_started", "task_complete"}
        return outer != "token_usage_record" and (outer != "response_item" or kind == "message")

    def _copy(self, lines: Iterable[Line], copying: Copying) -> None:
        """Another thread's history: the same words, and tells nothing."""
        copied = [line for line in lines if copying.meta or '"type":"session_meta"' not in line.text]
        began = self.codex.now
        for number, line in enumerate(copied):
            self.codex.now = began + copying.spread * number // len(copied)
            entry = json.loads(line.text)
            if not copying.original_times and "timestamp" in entry:
                entry["timestamp"] = self._time()
            if "ordinal" in entry:
                entry["ordinal"], self._ordinal = self._ordinal, self._ordinal + 1
            text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
            self.lines.append(Line(text, self.codex.now))
        self.codex.now = began + copying.spread + 1

    def _hook(self, event: str, index: int, fields: Mapping[str, Any] | None = None, *, turn: bool = True) -> None:
        if not self._version.has(event) or self.kind not in {"", "thread_spawn"}:
            return
        payload: Payload = {"session_id": self.root, "transcript_path": self.path, "cwd": self.cwd}
        if event == "SubagentStop" and self.parent:
            payload["transcript_path"] = self.parent.path
        payload["hook_event_name"] = event
        if turn:
            payload["turn_id"] = self._turn.id
        if event != "SessionEnd":
            payload["model"] = self.model
            if not event.endswith("Compact"):
                payload["permission_mode"] = "bypassPermissions"
        if self.parent:
            payload.update(agent_id=self.id, agent_type="worker")
        self.codex.hooks.append(Hook({**payload, **(fields or {})}, self.codex.now, index))
        self.codex.events[index] = replace(self.codex.events[index], model=str(payload.get("model", "")))

    def _line(
        self,
        kind: str,
        payload: Mapping[str, Any],
        tells: tuple[int, ...] = (),
        *,
        tokens: Tokens | None = None,
        model: str = "",
        opens: bool | None = None,
    ) -> None:
        if self._version.bare:
            if kind == "session_meta":
                line: Payload = {"id": self.id, "timestamp": payload["timestamp"], "instructions": None, "git": {}}
            elif kind == "response_item":
                line = dict(payload)
            else:
                return
        else:
            ordinal = {"ordinal": self._ordinal} if self._version.paginated else {}
            self._ordinal += len(ordinal)
            line = {"timestamp": self._time(), **ordinal, "type": kind, "payload": dict(payload)}
        text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
        self.lines.append(Line(text, self.codex.now, tells, tokens=tokens, model=model, opens=opens))

    def _message(
        self,
        kind: str,
        tells: tuple[int, ...] = (),
        *,
        tokens: Tokens | None = None,
        opens: bool | None = None,
        **fields: Any,
    ) -> None:
        self._line("event_msg", {"type": kind, **fields}, tells, tokens=tokens, opens=opens)

    def _item(self, kind: str, identifier: str, tells: tuple[int, ...] = (), **fields: Any) -> None:
        item = {"type": kind, "id": identifier, **fields}
        more: Payload = {"thread_id": self.id, "turn_id": self._turn.id, "item": item}
        now = self.codex.now
        self._message("item_completed", tells, **more, started_at_ms=now - 20, completed_at_ms=now)

    def _response(self, payload: Mapping[str, Any], tells: tuple[int, ...] = ()) -> None:
        more: Payload = {}
        if self._version.minor >= 146:
            more["internal_chat_message_metadata_passthrough"] = {"turn_id": self._turn.id}
            more["id"] = payload.get("id") or self._id("item")
        else:
            payload = {name: value for name, value in payload.items() if name != "id"}
        self._line("response_item", {**payload, **more}, tells)

    def _output(self, kind: str, call: str, output: Any, tells: tuple[int, ...] = ()) -> None:
        self._response({"type": kind, "call_id": call, "output": output}, tells)

    def respond(self) -> None:
        """The model has answered a request: what it cost is counted, and told once, however many lines say it."""
        if self._version.bare:
            return
        chance = self.codex.random
        fresh, cached, output = (
            chance.randint(1, 5000),
            chance.choice((0, chance.randint(1, 9000))),
            chance.randint(1, 900),
        )
        written = chance.randint(1, 500) if self._version.minor >= 146 and chance.random() < 0.2 else 0
        cost = Tokens(self.model, fresh, cached, output, written)
        last = {
            "input_tokens": fresh + cached + written,
            "cached_input_tokens": cached,
            "output_tokens": output,
            "reasoning_output_tokens": output // 3,
            "total_tokens": fresh + cached + written + output,
        }
        if self._version.minor >= 146:
            last["cache_write_input_tokens"] = written
        self._total = {name: self._total.get(name, 0) + count for name, count in last.items()}
        told: Tokens | None = cost
        if self._version.records:
            record = {"thread_id": self.id, "turn_id": self._turn.id, "response_id": self._id("resp"), "usage": last}
            self._line("token_usage_record", record, tokens=cost)
            told = None
        info = {"total_token_usage": self._total, "last_token_usage": last}
        self._message("token_count", tokens=told, info=info)
        if chance.random() < 0.3:
            self._message("token_count", info=info)  # told again, unchanged, as older versions do at each turn
        if chance.random() < 0.1:
            self._message("token_count", info=None)

    def _call_id(self) -> str:
        if not self.codex.numbered_calls:
            return self._id("call")
        self._turn.calls += 1
        return f"call_{self._turn.calls - 1}"

    def _id(self, kind: str) -> str:
        return f"{kind}_{self.codex.random.getrandbits(96):024x}"

    def _time(self) -> str:
        return iso(self.codex.now)

    def _takes_time(self) -> None:
        self.codex.passes(self.codex.random.randint(1, 400))

    def _wait(self, milliseconds: int | None) -> None:
        self.codex.passes(self.codex.random.randint(0, 400) if milliseconds is None else milliseconds)


def iso(milliseconds: int) -> str:
    """A time since the epoch as Codex writes it."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds / 1000))
    return f"{moment}.{milliseconds % 1000:03d}Z"
