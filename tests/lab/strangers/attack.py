"""Strangers sent to every address and to the socket, and what this machine's own programs get."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from patcher.prove import Sidecar
from patcher.prove.cross_origin import ForeignRequest, send
from patcher.prove.strangers import at, is_taken_in, status_of_upgrade, upgrades
from tests.lab.strangers.routes import Route

_LINKS = ("by a link",)  # what a link opens is the page, which has nothing of anybody's in it


@dataclass(frozen=True)
class Tried:
    """One stranger's request and the status of its answer: 0 for none, 101 for a socket."""

    request: ForeignRequest
    status: int

    @property
    def answered(self) -> bool:
        """Whether it got more than a refusal of ours (401, 403) or of Node (400, no answer)."""
        return self.status not in {0, 400, 401, 403}


def is_link_to_a_page(request: ForeignRequest) -> bool:
    """Whether somebody follows a link of another site to a page of the dashboard."""
    is_page = request.method == "GET" and not request.target.startswith("/api")
    return is_page and request.name.endswith(_LINKS)


def attack(sidecar: Sidecar, routes: Sequence[Route]) -> list[Tried]:
    """Every stranger at every address, and for a socket."""
    found = []
    for method, target in routes:
        for request in at(method, target):
            if not is_link_to_a_page(request):
                found.append(Tried(request, send(sidecar.port, request.encode(sidecar.port, enabled=True)).status))
    for request in upgrades():
        found.append(Tried(request, status_of_upgrade(sidecar.port, request.encode(sidecar.port, enabled=True))))
    return found


def own_problems(sidecar: Sidecar) -> list[str]:
    """What of this machine's own is refused: a program, the dashboard's page, its socket. Empty when nothing is."""
    own = f"localhost:{sidecar.port}"
    page = (f"Host: {own}", f"Origin: http://{own}", "Sec-Fetch-Site: same-origin")
    asked = {
        "curl": (f"Host: 127.0.0.1:{sidecar.port}",),
        "curl by name": (f"Host: LOCALHOST:{sidecar.port}",),
        "curl by IPv6": (f"Host: [::1]:{sidecar.port}",),
        "the page": page,
        "its address typed": (f"Host: {own}", "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"),
    }
    problems = []
    for name, headers in asked.items():
        head = "\r\n".join(("GET /api/sessions HTTP/1.1", *headers, "Connection: close", "", ""))
        got = send(sidecar.port, head.encode())
        problems += [f"{name}: {got.status}"] if got.status != 200 else []
    problems += [] if is_taken_in(sidecar.port, *page) else ["the page gets no socket"]
    problems += [] if is_taken_in(sidecar.port, asked["curl"][0]) else ["a program gets no socket"]
    return problems


def table(tried: Sequence[Tried]) -> str:
    """A line for each group, with the statuses that it got, and the sums."""
    lines = []
    for group in sorted({each.request.group for each in tried}):
        members = [each for each in tried if each.request.group == group]
        told = ", ".join(
            f"{status} {count} times" for status, count in sorted(Counter(m.status for m in members).items())
        )
        answered = sum(each.answered for each in members)
        lines.append(f"{group:<15} {answered:>5} of {len(members):>5} answered   ({told})\n")
    sockets = sum(each.status == 101 for each in tried)
    answered = sum(each.answered for each in tried)
    return "".join(lines) + f"{'all':<15} {answered:>5} of {len(tried):>5} answered, {sockets} got a socket\n"
