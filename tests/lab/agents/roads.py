"""By which roads a sidecar hears of a session: the hooks, the transcript, both, and in which order."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Road:
    """One way. hooks: whether there is a hooks file; at_once: whether the handler runs when a hook fires, or afterwards.

    transcript: whether the sidecar can see the agent's folder. killed: whether it is killed before the model's second
    answer, or the first where the user interrupts that, and started when the agent is done.
    """

    name: str
    hooks: bool = True
    at_once: bool = True
    transcript: bool = True
    killed: bool = False


ROADS = {
    road.name: road
    for road in (
        Road("both"),
        Road("hooks", transcript=False),
        Road("transcript", hooks=False),
        Road("late", at_once=False),
        Road("killed", killed=True),
    )
}
