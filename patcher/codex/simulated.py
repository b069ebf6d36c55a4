"""A simulated Codex: it produces hook payloads and rollout lines for its events, as the published versions do.

Versions differ in their lines and their hooks: bare lines in 2025, then an envelope, then turn ids, then paginated
files. A model calls tools directly, or in code mode by a script. Each line has the indices of the events and the tokens
that it is the first to record; lines that a fork or a sub-agent has copied have none. Clock and random numbers are
given by the caller.
"""

import json
from collections.abc import Iterable

from patcher.codex.recorder import CodexHome, Turn
from patcher.codex.records import Copying, Line, Payload, iso
from patcher.codex.tools import ToolCalls


class Codex(CodexHome):
    """One Codex home, with its threads, its clock and its events."""

    threads: "list[Thread]"

    def session(self, cwd: str = "/home/user/project", *, instructions: str = "") -> "Thread":
        """A new session; its hooks begin with its first turn. instructions: text for its first line."""
        return Thread(self, cwd, instructions=instructions)


class Thread(ToolCalls):
    """One thread of a Codex: a session, a fork of one, or a sub-agent, with its own rollout file."""

    codex: Codex

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
        super().__init__(codex, cwd, parent=parent, continues=continues, kind=kind)
        self.forked_from = forked_from
        self.continues = continues
        self.stops: dict[int, int] = {}
        """By the event of the last prompt of a turn, the event of its end."""
        self._prompt = 0
        self._running = False
        self._resumed = False
        if forked_from:
            self.ordinal = forked_from.ordinal if self._version.paginated else 0
            self.total = dict(forked_from.total)
        codex.threads.append(self)
        event, mark = ("SubagentStart", "") if parent else ("SessionStart", "first")
        self.first: int = continues.first if continues else self._happened(event, mark)
        self._meta(instructions)
        if forked_from and not self._version.paginated:
            self._copy(forked_from.lines, copying or Copying())
        if parent and copying:
            self._copy(filter(self._is_context, parent.lines), copying)
            if not self._version.paginated:
                self.total = dict(parent.total)

    # --- turns ---------------------------------------------------------------------------------------------------

    def turn(self, prompt: str, *, model: str = "", tokens_first: bool = False) -> None:
        """Begin a turn with its first prompt; the first turn of a process also starts or resumes the session.

        model: a newly chosen model. tokens_first: the tokens of a response are written before the context of the turn.
        """
        self.model = model or self.model
        self._begin_turn()
        if not self._running:
            self._start()
        if tokens_first:
            self.respond()
        turn = {"turn_id": self._turn.id} if self._version.turn_ids else {}
        self._line("turn_context", {**turn, "cwd": self.cwd, "model": self.model}, model=self.model)
        self.steer(prompt)

    def steer(self, prompt: str) -> None:
        """Another prompt in the current turn, with the same turn id."""
        index = self._prompt = self._happened("UserPromptSubmit", self._turn.id, prompt=prompt)
        self._hook("UserPromptSubmit", index, {"prompt": prompt})
        self._chat_message("user", "input_text", prompt, (index,) if self._version.bare else ())
        if self._version.paginated:
            content = [{"type": "text", "text": prompt, "text_elements": []}]
            self._item("UserMessage", self.codex.uuid(), (index,), content=content)
        else:
            self._message("user_message", (index,), message=prompt, images=[])

    def stop(self, message: str = "Done.") -> None:
        """End the turn with the last message of the model."""
        self.close_script()
        self._takes_time()
        kind = "SubagentStop" if self.parent else "Stop"
        index = self._happened(kind, self._turn.id)
        if self._version.paginated:
            self._item("AgentMessage", self._id("msg"), content=[{"type": "Text", "text": message}])
        else:
            self._message("agent_message", message=message)
        self._chat_message("assistant", "output_text", message)
        self.respond()
        self.stops[self._prompt] = index
        if self._version.turn_ids:
            fields: Payload = {"turn_id": self._turn.id, "last_agent_message": message, "duration_ms": 900}
            self._message("task_complete", (index,), opens=False, **fields)
        extra: Payload = {"stop_hook_active": False, "last_assistant_message": message}
        if self.parent:
            extra["agent_transcript_path"] = self.path
        self._hook(kind, index, extra)

    def interrupt(self) -> None:
        """The user interrupts the turn: running calls get no end. A sub-agent has no hook for it."""
        self._takes_time()
        index = self._happened("Interrupt", self._turn.id)
        if not self.parent:
            self._hook("Interrupt", index)
        turn: Payload = {"turn_id": self._turn.id} if self._version.turn_ids else {}
        self._message("turn_aborted", (index,), opens=False, **turn, reason="interrupted")
        self._turn = Turn(self._turn.id)

    def compact(self) -> None:
        """Compact the context in a turn of its own, and start the same session again."""
        self._begin_turn()
        before = self._happened("PreCompact", self._turn.id, keyed=False)
        after = self._happened("PostCompact", self._turn.id)
        end = self._happened("SubagentStop" if self.parent else "Stop", self._turn.id)
        self._hook("PreCompact", before, {"trigger": "manual"})
        self._takes_time()
        history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "so far"}]}]
        self._line("compacted", {"message": "", "replacement_history": history}, (after,))
        self._message("context_compacted")
        self._hook("PostCompact", after, {"trigger": "manual"})
        if self._version.turn_ids:
            self._message("task_complete", (end,), opens=False, turn_id=self._turn.id, last_agent_message=None)
        if not self.parent and self._version.minor >= 133:
            self._start_again("compact")

    def end(self) -> None:
        """End the process; a later turn resumes the session in the same file."""
        if not self.parent:
            index = self._happened("SessionEnd", "", keyed=False)
            self._hook("SessionEnd", index, {"reason": "other"}, turn=False)
        self._running = False

    def _begin_turn(self) -> None:
        self._wait()
        self._turn = Turn(self.codex.uuid() if self._version.turn_ids else "")
        if self._version.turn_ids:
            self._message("task_started", opens=True, turn_id=self._turn.id, started_at=self.codex.now // 1000)

    def _start(self) -> None:
        """Write the start of the process on the thread; only the first start has an identifier."""
        self._running = True
        if self.parent:
            self._hook("SubagentStart", self.first)
        elif self._resumed:
            self._start_again("resume")
        else:
            source = "fork" if self.forked_from and self._version.minor >= 155 else "startup"
            self._hook("SessionStart", self.first, {"source": source}, turn=False)
        self._resumed = True

    def _start_again(self, source: str) -> None:
        index = self._happened("SessionStart", source, keyed=False)
        self._hook("SessionStart", index, {"source": source}, turn=False)

    # --- other threads -------------------------------------------------------------------------------------------

    def fork(self, copying: Copying | None = None, *, cwd: str = "") -> "Thread":
        """A session that continues from here with another id. copying: how it copies the history."""
        self._takes_time()
        return Thread(self.codex, cwd or self.cwd, forked_from=self, copying=copying)

    def go_on(self, *, counted_anew: bool = False) -> "Thread":
        """The same thread in a second file. counted_anew: its running total of tokens restarts at zero."""
        other = Thread(self.codex, self.cwd, parent=self.parent, continues=self, kind=self.kind or "thread_spawn")
        other.total = {} if counted_anew else dict(self.total)
        other._resumed = self._resumed
        other.model = self.model
        return other

    def reviewed(self, kind: str, task: str) -> "Thread":
        """A sub-agent that Codex itself starts, without a tool call and without hooks."""
        child = Thread(self.codex, self.cwd, parent=self, kind=kind)
        child.turn(task)
        return child

    def spawn(
        self, task: str, *, with_context: bool = False, copying: Copying | None = None, cwd: str = ""
    ) -> "Thread":
        """A sub-agent with a task, started by the tool `spawn_agent`. The caller ends it with `stop`."""
        call = self._begin("spawn_agent", "spawn_agent", {"message": task}, namespace="multi_agent_v1")
        self.codex.passes(self.codex.random.randint(1, 30))
        copying = copying or (Copying() if with_context else None)
        child = Thread(self.codex, cwd or self.cwd, parent=self, copying=copying)
        self._finish(call, json.dumps({"agent_id": child.id}), "CollabAgentToolCall")
        child.turn(task)
        return child

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
                meta["forked_from_ordinal_exclusive"] = self.ordinal
                meta["history_base"] = {"thread_id": self.forked_from.id, "end_ordinal_exclusive": self.ordinal}
        if self.parent:
            meta.update(self._parentage(self.parent))
        self._line("session_meta", meta, (self.first,))

    def _parentage(self, parent: "Thread") -> Payload:
        """The fields of the first line that name the parent of a sub-agent: in two places since 0.146."""
        if self.kind == "thread_spawn":
            depth, above = 1, parent
            while above.parent:
                above, depth = above.parent, depth + 1
            spawn = {"parent_thread_id": parent.id, "depth": depth, "agent_nickname": "Ada", "agent_role": "worker"}
            more = {"thread_source": "subagent", "parent_thread_id": parent.id} if self._version.minor >= 146 else {}
            return {"source": {"subagent": {"thread_spawn": spawn}}, **more}
        extra = {"source": {"subagent": "review" if self.kind == "review" else {"other": "guardian"}}}
        source = "guardian_review" if self.kind == "guardian_review" else "subagent"
        return {**extra, "thread_source": source, "parent_thread_id": parent.id}

    def _is_context(self, line: Line) -> bool:
        """Whether a sub-agent with its parent's context gets a copy of this line."""
        entry = json.loads(line.text)
        outer, kind = str(entry["type"]), str(entry["payload"].get("type"))
        if outer == "event_msg" and self._version.paginated:
            return kind in {"task_started", "task_complete"}
        return outer != "token_usage_record" and (outer != "response_item" or kind == "message")

    def _copy(self, lines: Iterable[Line], copying: Copying) -> None:
        """Copy the lines of another thread, without events."""
        copied = [line for line in lines if copying.meta or '"type":"session_meta"' not in line.text]
        began = self.codex.now
        for number, line in enumerate(copied):
            self.codex.now = began + copying.spread * number // len(copied)
            entry = json.loads(line.text)
            if not copying.original_times and "timestamp" in entry:
                entry["timestamp"] = iso(self.codex.now)
            if "ordinal" in entry:
                entry["ordinal"], self.ordinal = self.ordinal, self.ordinal + 1
            self.lines.append(Line(json.dumps(entry, separators=(",", ":"), ensure_ascii=False), self.codex.now))
        self.codex.now = began + copying.spread + 1
