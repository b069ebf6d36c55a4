"""The tool calls of a thread of the simulated Codex, direct or in a script, as each version records them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patcher.codex.recorder import Recorder
from patcher.codex.records import Payload

_PATCH = "*** Begin Patch\n*** Add File: {}.txt\n+hello\n*** End Patch\n"
_OLD_ENDS = {"FileChange", "McpToolCall"}  # items that were event messages before rollouts were paginated
_OF_SHELL = "Wall time: {} seconds\nProcess {}\nOutput:\n{}"


@dataclass
class Call:
    """A running call. hook_tool: name of the tool in hooks, "" if it has none. index: of its PreToolUse event."""

    id: str
    hook_tool: str
    hook_input: Payload
    line_tool: str
    custom: bool
    index: int


@dataclass
class Background:
    """A background command. ended: the index of its PostToolUse event, after it has ended."""

    process: int
    call: Call
    command: str
    output: str = ""
    ended: tuple[int, ...] = ()


class ToolCalls(Recorder):
    """A thread that calls tools. Each method returns the id of its call."""

    def shell(self, command: str, output: str = "", *, exit_code: int = 0, tool: str = "exec_command") -> str:
        """A shell call. It has a Post hook for any exit code; the older tool `shell_command` only for 0."""
        call = self._begin_shell(command, tool)
        call_output = _OF_SHELL.format("0.02", f"exited with code {exit_code}", output)
        if not self._version.turn_ids:
            call_output = json.dumps({"output": output, "metadata": {"exit_code": exit_code, "duration_seconds": 0.1}})
        hooked = tool == "exec_command" or exit_code == 0
        more = self._execution(command, output, exit_code)
        return self._finish(call, call_output, "CommandExecution", more, response=output, hooked=hooked)

    def burst(self, command: str, times: int) -> list[str]:
        """The same call several times within one millisecond."""
        calls = [self._begin_shell(command, after=0) for _ in range(times)]
        call_output = _OF_SHELL.format("0.00", "exited with code 0", "hi\n")
        more = self._execution(command, "hi\n", 0)
        return [self._finish(call, call_output, "CommandExecution", more, response="hi\n", after=0) for call in calls]

    def background(self, command: str) -> Background:
        """A shell call that returns before its command has ended."""
        call = self._begin_shell(command)
        running = Background(self.codex.random.randint(10000, 99999), call, command)
        if not self._version.code:
            call_output = _OF_SHELL.format("1.00", f"running with session ID {running.process}", "")
            self._output("function_call_output", call.id, call_output)
        return running

    def type_into(self, running: Background, chars: str, output: str, *, exit_code: int | None = None) -> str:
        """Send input to a background command and get its output. With an exit code, the command ends."""
        call = None
        if not self._version.code:
            call = self._begin("write_stdin", "", {"session_id": running.process, "chars": chars})
        running.output += output
        if exit_code is not None:
            self._late_post(running, exit_code)
        if call is None:
            return ""
        state = f"running with session ID {running.process}" if exit_code is None else f"exited with code {exit_code}"
        events = (self._happened("PostToolUse", call.id, line_tool="write_stdin"), *running.ended)
        self._output("function_call_output", call.id, _OF_SHELL.format("1.00", state, output), events)
        return call.id

    def ends_unseen(self, running: Background) -> None:
        """End a background command without a call: it has no hook, and a line only in newer versions."""
        if self._version.paginated:
            self._late_post(running, 0, hooked=False)

    def patch(self, name: str, *, works: bool = True) -> str:
        """A call of `apply_patch`. One that fails has no Post hook."""
        text = _PATCH.format(name)
        call = self._begin("apply_patch", "apply_patch", {"command": text}, custom=text)
        out, err = ("Success.", "") if works else ("", "no such file")
        end: Payload = {"status": "completed" if works else "failed", "stdout": out, "stderr": err, "changes": {}}
        call_output = f"Exit code: {0 if works else 1}\nWall time: 0 seconds\nOutput:\n{out or err}\n"
        return self._finish(call, call_output, "FileChange", end, hooked=works)

    def shell_patch(self, name: str) -> str:
        """A patch by a shell command, which Codex intercepts: it has a Pre hook and no Post hook."""
        call = self._begin_shell(f"apply_patch <<'EOF'\n{_PATCH.format(name)}EOF")
        end: Payload = {"status": "completed", "stdout": "Success.", "stderr": "", "changes": {}}
        call_output = "Wall time: 0.00 seconds\nOutput:\nExit code: 0\nWall time: 0 seconds\nOutput:\nSuccess.\n"
        return self._finish(call, call_output, "FileChange", end, hooked=False)

    def remember(self, arguments: Mapping[str, Any], *, works: bool = True) -> str:
        """A call of an MCP tool, which has different names in hooks and rollout. One that fails has no Post hook."""
        call = self._begin("remember", "mcp__mem_srv__remember", dict(arguments), namespace="mcp__mem_srv")
        result = {"content": [{"type": "text", "text": "remembered" if works else "no"}], "isError": not works}
        more: Payload = {"server": "mem-srv", "tool": "remember", "arguments": dict(arguments), "result": result}
        more["status"] = "completed" if works else "failed"
        call_output = "Wall time: 0.01 seconds\nOutput:\nremembered"
        return self._finish(call, call_output, "McpToolCall", more, response=result, hooked=works)

    def look(self, path: str) -> str:
        """A call of `view_image`; it has hooks since 0.146."""
        call = self._begin("view_image", "view_image" if self._version.minor >= 146 else "", {"path": path})
        image = [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]
        return self._finish(call, image, "ImageView", {"path": path})

    def plan(self, step: str) -> str:
        """A call of `update_plan`; it has hooks only in 0.146."""
        arguments = {"plan": [{"step": step, "status": "in_progress"}]}
        call = self._begin("update_plan", "update_plan" if self._version.minor == 146 else "", arguments)
        return self._finish(call, "Plan updated")

    def search(self, query: str) -> str:
        """A web search by the host of the model; it has no hooks."""
        call = self._id("ws")
        events = self._both(call, line_tool="web_search")
        action = {"type": "search", "query": query}
        if self._version.paginated:
            self._item("WebSearch", call, events, query=query, action=action)
        else:
            self._message("web_search_end", events, call_id=call, query=query, action=action)
        self._response({"type": "web_search_call", "id": call, "status": "completed", "action": action}, events)
        return call

    def ask_permission(self, command: str) -> None:
        """Codex asks for permission to run a command: a hook without an identifier."""
        fields = {"tool_name": "Bash", "tool_input": {"command": command, "description": "Runs it."}}
        index = self._happened("PermissionRequest", self._turn.id, keyed=False, hook_tool="Bash")
        self._hook("PermissionRequest", index, fields)

    def begin_shell(self, command: str) -> str:
        """A shell call that does not end, because the turn is interrupted."""
        return self._begin_shell(command).id

    def close_script(self) -> None:
        """In code mode, end the running script; the next call is in another one. Otherwise do nothing."""
        if self._turn.outer:
            call_output = [{"type": "input_text", "text": "Script completed\nWall time 0.8 seconds\nOutput:\n"}]
            self._output("custom_tool_call_output", self._turn.outer, call_output, self._turn.script)
            self._turn.outer = ""

    def _open_script(self) -> None:
        if self._turn.outer:
            return
        self._turn.outer = self._call_id()
        before, after = self._both(self._turn.outer, line_tool="exec", script=True)
        self._turn.script = (after,)
        item = {"type": "custom_tool_call", "call_id": self._turn.outer, "name": "exec"}
        self._response({**item, "input": "await tools.work()"}, (before,))

    def _both(self, call: str, **more: Any) -> tuple[int, ...]:
        return tuple(self._happened(phase, call, **more) for phase in ("PreToolUse", "PostToolUse"))

    def _begin_shell(self, command: str, tool: str = "exec_command", *, after: int | None = None) -> Call:
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
    ) -> Call:
        """Begin a call: its line, and its hook if `hook_tool` is not empty. In code mode it has no line of its own.

        custom: the input of a custom tool. after: milliseconds before the line and before the hook.
        """
        self._wait(after)
        if self._version.code:
            self._open_script()
            chance = self.codex.uuid()
            id_ = f"exec-{chance[:14]}4{chance[15:]}"
        else:
            id_ = self._call_id()
        index = self._happened("PreToolUse", id_, hook_tool=hook_tool, line_tool=tool)
        if not self._version.code:
            item = {"type": "custom_tool_call", "input": custom} if custom else _function_call(arguments, namespace)
            self._response({"call_id": id_, "name": tool, **item}, (index,))
        call = Call(id_, hook_tool, hook_input or arguments, tool, bool(custom), index)
        if hook_tool:
            self._wait(after)
            self._hook("PreToolUse", index, _fields_of(call))
        return call

    def _finish(
        self,
        call: Call,
        output: Any,
        item: str = "",
        more: Payload | None = None,
        *,
        response: Any = None,
        hooked: bool = True,
        after: int | None = None,
    ) -> str:
        """End a call: its hook, the item (newer versions) or event message (older ones), and its output line.

        item, more: type and fields of the item. response: the response in the hook, if it is not the output.
        """
        self._wait(after)
        hooked = hooked and bool(call.hook_tool)
        post = self._post(call, output if response is None else response, hooked=hooked)
        if item and self._version.paginated:
            self._item(item, call.id, (call.index, post), **(more or {}))
        elif item in _OLD_ENDS:
            self._old_end(item, call.id, (call.index, post), more or {})
        if not self._version.code:
            kind = "custom_tool_call_output" if call.custom else "function_call_output"
            self._output(kind, call.id, output, (post,))
        return call.id

    def _post(self, call: Call, response: Any, *, hooked: bool, named: bool = False) -> int:
        hook_tool = call.hook_tool if hooked or named else ""
        index = self._happened("PostToolUse", call.id, hook_tool=hook_tool, line_tool=call.line_tool)
        if hooked:
            self._hook("PostToolUse", index, {**_fields_of(call), "tool_response": response})
        return index

    def _old_end(self, item: str, call: str, events: tuple[int, ...], more: Payload) -> None:
        if item == "McpToolCall":
            invocation = {name: more[name] for name in ("server", "tool", "arguments")}
            end: Payload = {"duration": {"secs": 0, "nanos": 398428}, "result": {"Ok": more["result"]}}
            self._message("mcp_tool_call_end", events, call_id=call, invocation=invocation, **end)
        else:
            more = {**more, "success": more["status"] == "completed"}
            self._message("patch_apply_end", events, call_id=call, turn_id=self._turn.id, **more)

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
        post = self._post(running.call, running.output, hooked=hooked, named=True)
        running.ended = (post,)
        if self._version.paginated:
            more = self._execution(running.command, running.output, exit_code)
            self._item("CommandExecution", running.call.id, (running.call.index, post), **more)


def _function_call(arguments: Payload, namespace: str) -> Payload:
    call = {"type": "function_call", "arguments": json.dumps(arguments)}
    return {**call, "namespace": namespace} if namespace else call


def _fields_of(call: Call) -> Payload:
    return {"tool_name": call.hook_tool, "tool_input": call.hook_input, "tool_use_id": call.id}
