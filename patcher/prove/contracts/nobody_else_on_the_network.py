"""Other machines and other web sites cannot read from the sidecar; programs of this machine can."""

from patcher.prove.contract import Contract, Observation, TestBed
from patcher.prove.cross_origin import send
from patcher.prove.sidecar import Sidecar
from patcher.prove.strangers import is_taken_in, may_read, other_address

_SESSIONS = "GET /api/sessions HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n"
_OWN = "Host: 127.0.0.1:{port}"
_REBOUND = "Host: evil.example:{port}"
_ORIGIN = "https://evil.example"


def _reads(sidecar: Sidecar, *headers: str, origin: str = "") -> bool:
    text = _SESSIONS.format(headers="\r\n".join(headers)).format(port=sidecar.port)
    return may_read(send(sidecar.port, text.encode()), origin)


def _observe(bed: TestBed) -> Observation:
    with bed.sidecar() as sidecar:
        own = _reads(sidecar, _OWN)
        socket = is_taken_in(sidecar.port, _OWN.format(port=sidecar.port))
        attempts = {
            "a page of another site reads the sessions": _reads(sidecar, _OWN, f"Origin: {_ORIGIN}", origin=_ORIGIN),
            "a name that was pointed here reads the sessions": _reads(sidecar, _REBOUND),
            "a name that was pointed here gets a socket": is_taken_in(sidecar.port, _REBOUND.format(port=sidecar.port)),
            "another address of this machine accepts": other_address().accepts(sidecar.port),
        }
    got_in = [said for said, happened in attempts.items() if happened]
    ours = "this machine reads the sessions and gets a socket" if own and socket else "this machine itself is refused"
    said = f"{ours}; {', '.join(got_in) or f'none of {len(attempts)} strangers gets in'}"
    return Observation(green=own and socket and not got_in, said=said)


CONTRACT = Contract(
    id="nobody_else_on_the_network",
    summary="The sidecar listens to this machine, and no other web site or rebound name reads from it.",
    patches=("local_only",),
    observe=_observe,
)
