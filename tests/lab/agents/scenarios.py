"""What the agents are made to do: prompts that users type, and what the model asks for then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.lab.agents.agents import Agent
from tests.lab.agents.model_server import Tool
from tests.lab.agents.roads import Road

FILE = "hello.txt"
STARTED = "started.txt"
"""What lies in the project; and what comes there when the call that will be interrupted is at work."""


class Play(Protocol):
    """What a scenario drives: an agent with a home, beside a sidecar."""

    def run(self, prompt: str, *, go_on: bool = False) -> None:
        """A run of the agent to its end, with what its user types."""

    def interrupt(self, prompt: str) -> None:
        """A run that its user ends with Ctrl-C while a call is at work, which makes the file `STARTED`."""


@dataclass(frozen=True)
class Scenario:
    """One scenario. scripts: what the model says, by the word of the prompt, one answer after another.

    Each call is known by its marker, a text in its arguments: twins have one. child_word: the word of the prompts that
    sub-agents get. ends: whether every call comes to its end. roots: how many sessions there are.
    """

    name: str
    scripts: Mapping[str, Sequence[Sequence["Deed"]]]
    prompts: Sequence[str]
    child_word: str = ""
    ends: bool = True

    def drive(self, play: Play) -> None:
        """Run the agent: the first prompt begins a session, the others go on with it."""
        for number, prompt in enumerate(self.prompts):
            if self.ends:
                play.run(prompt, go_on=number > 0)
            else:
                play.interrupt(prompt)


@dataclass(frozen=True)
class Deed:
    """A call that the model asks for: a shell command, a file that is read, a sub-agent with a prompt, or its own end."""

    kind: str
    text: str
    background: bool = False

    @property
    def marker(self) -> str:
        """What tells its row from others. A sub-agent is known by its prompt, and its end by nothing."""
        return self.text

    def tools(self, agent: Agent, project: str) -> Sequence[Tool]:
        """The tools that this agent has for it, by version; none where it needs none."""
        if self.kind == "shell":
            return [agent.shell(self.text)]
        if self.kind == "read":
            return [agent.read(f"{project}/{self.text}")]
        if self.kind == "finish":
            return [agent.finish] if agent.finish else []
        return agent.spawn(self.text, self.background)


@dataclass(frozen=True)
class Run:
    """What is to be played: a scenario of an agent, by a road; number tells equal ones apart."""

    agent: Agent
    version: str
    command: Sequence[str]
    scenario: Scenario
    road: Road
    number: int = 1

    @property
    def name(self) -> str:
        """A name for its directory."""
        return f"{self.agent.name}-{self.version}-{self.scenario.name}-{self.road.name}-{self.number}"


def shell(command: str) -> Deed:
    """A shell command."""
    return Deed("shell", command)


def read(name: str) -> Deed:
    """A file of the project that is read."""
    return Deed("read", name)


def spawn(prompt: str, *, background: bool = False) -> Deed:
    """A sub-agent with this prompt."""
    return Deed("spawn", prompt, background)


_FINISH = Deed("finish", "")
_CHILD = {"[child]": [[shell("echo child-one")], [read(FILE)], [shell("echo child-two")], [_FINISH]]}
_HAND_OVER = "[child] look around"

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("tools", {"[tools]": [[shell("echo tools-one")], [read(FILE)]]}, ["[tools] say hi and read the file"]),
        Scenario(
            "twins", {"[twins]": [[shell("echo twin"), shell("echo twin")]]}, ["[twins] do it twice\nat once: ü 🙂"]
        ),
        Scenario(
            "failing",
            {"[failing]": [[shell("cat nothing-here.txt")], [shell("echo after")], [read("nothing-there.txt")]]},
            ["[failing] read what is not there"],
        ),
        Scenario("subagent", {"[sub]": [[spawn(_HAND_OVER)]], **_CHILD}, ["[sub] let another one look"], "[child]"),
        Scenario(
            "background",
            {"[back]": [[spawn(_HAND_OVER, background=True)]], **_CHILD},
            ["[back] let another one look, later"],
            "[child]",
        ),
        Scenario(
            "same",
            {
                "[same]": [[shell("echo same")], [spawn("[same-child] do what I did")], [shell("echo same")]],
                "[same-child]": [[shell("echo same")], [_FINISH]],
            },
            ["[same] do it, let another one do it, and do it again"],
            "[same-child]",
        ),
        Scenario(
            "resume",
            {"[one]": [[shell("echo before")]], "[two]": [[shell("echo again")]]},
            ["[one] begin", "[two] go on"],
        ),
        Scenario(
            "interrupt",
            {"[cut]": [[shell(f"touch {STARTED}; timeout 31 tail -f {FILE}")]]},
            ["[cut] wait for long"],
            ends=False,
        ),
    )
}
