"""The report's stops and sites, brought to one shape for the templates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patcher.model import NOT_NEEDED, STOPPING
from patcher.report.side_by_side import rows

_STOPS = frozenset(str(verdict) for verdict in STOPPING) | {"refused"}
_GOOD = frozenset({"exact", "applied"})
_MARK = {"good": "✓", "moved": "→", "superseded": "∅", "stops": "✕"}
_Item = dict[str, Any]


def tone(verdict: str) -> str:
    """What a verdict means for the build: `good`, `moved` (goes on, said), `superseded` or `stops`."""
    if verdict in _STOPS:
        return "stops"
    return "good" if verdict in _GOOD else "superseded" if verdict == "superseded" else "moved"


def mark(verdict: str) -> str:
    """The sign of a verdict, for those who do not see its colour."""
    return _MARK[tone(verdict)]


def short(ref: str) -> str:
    """A full commit id cut to 12 digits; any other ref as it is."""
    return ref[:12] if len(ref) in {40, 64} and not set(ref) - set("0123456789abcdef") else ref


def grid(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The matrix: the report itself, or what a bump carries; empty where there is none."""
    return content if "refs" in content else (content.get("bump") or {}).get("matrix") or {}


def groups(content: Mapping[str, Any]) -> list[tuple[str, list[_Item]]]:
    """What a person has to look at, under headings, what stops first; each with an `anchor` that a link can name."""
    numbered = [_item(number, raw) for number, raw in enumerate(_raw(content), 1)]
    if "bump" in content:
        of_sites = [item for item in numbered if not item["since"]]
        found = [
            ("What stops", [item for item in of_sites if item["stops"]]),
            ("What fits", [item for item in of_sites if not item["stops"]]),
            ("Stops on the way", [item for item in numbered if item["since"]]),
        ]
    else:
        found = [("Stops" if grid(content) else "Sites", sorted(numbered, key=lambda item: not item["stops"]))]
    return [(heading, each) for heading, each in found if each]


def _raw(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if "bump" in content:
        chosen = content["bump"].get("chosen") or {}
        sites = [{**each, "taken": chosen.get(each["site"], 0)} for each in content["bump"]["places"]]
        return [*sites, *_on_the_way(content)]
    if "stops" in content:
        return list(content["stops"])
    told = [*content.get("places", ()), *content.get("patches", ())]
    return [each for each in told if each.get("window") or each.get("windows")]


def _on_the_way(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The stops of a bump's matrix that no site of the bump and none of its refusals tells of."""
    bump, last = content["bump"], content["bump"]["to"]["ref"]
    told = {site["patch"] for site in bump["places"] if site["verdict"] in _STOPS}
    told |= {""} if bump.get("refusals") else set()
    return [
        stop for stop in grid(content).get("stops", ()) if not (last in _refs_of(content, stop) and stop["id"] in told)
    ]


def _refs_of(content: Mapping[str, Any], stop: Mapping[str, Any]) -> list[str]:
    order = [ref["ref"] for ref in grid(content)["refs"]]
    return order[order.index(stop["since"]) : order.index(stop["until"]) + 1]


def _item(number: int, raw: Mapping[str, Any]) -> _Item:
    verdict, taken = str(raw["verdict"]), raw.get("taken", 0)
    candidates = list(raw.get("candidates") or ())
    return {
        "anchor": f"item-{number}",
        "id": raw.get("patch") or raw.get("id") or "gates",
        "name": str(raw.get("site") or "").rpartition(".")[2],
        "verdict": verdict,
        "stops": verdict in _STOPS,
        "message": "" if raw.get("windows") else raw.get("message", ""),
        "hint": raw.get("hint", ""),
        "since": raw.get("since", ""),
        "until": raw.get("until", ""),
        "change": raw.get("change") or "",
        "change_said": raw.get("change_said") or "",
        "culprit": raw.get("culprit"),
        "fits_since": raw.get("fits_since"),
        "declared": raw.get("declared"),
        "windows": list(_windows(raw)),
        "candidates": candidates,
        "taken": taken,
        "nearest_to": next((each for each in candidates if each["rank"] == (taken or 1)), None),
        "scope_diff": raw.get("scope_diff"),
        "twins": list(raw.get("twins") or ()),
    }


def _windows(raw: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    given = raw.get("windows") or ([{**raw, **raw["window"], "message": ""}] if raw.get("window") else [])
    for window in given:
        payload, position = (
            window.get("payload") or raw.get("payload") or "",
            window.get("place") or raw.get("place") or "",
        )
        reviewed, found, nearest = window.get("reviewed"), window.get("found"), window.get("nearest")
        # a pin is met: what stands there is what was reviewed, even where no ref of this repository shows it as it was
        verdict = window.get("verdict", "")
        alone = reviewed is None and found is not None and bool(verdict) and verdict not in _STOPS
        yield {
            "file": window.get("file", ""),
            "line": (found or {}).get("line", 0),
            "scope": window.get("scope", ""),
            "message": window.get("message", ""),
            "place": position,
            "payload": payload,
            "reviewed": reviewed,
            "found": found,
            "nearest": nearest,
            "alone": alone,
            "rows": rows(found if alone else reviewed, found or nearest, payload, position),
        }


def anchors(content: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Which item a cell of the grid leads to, by ref and patch; an empty patch is what only the gates refuse."""
    found: dict[tuple[str, str], str] = {}
    raw = list(enumerate(_raw(content), 1))
    for number, each in raw:
        if each.get("since"):
            found.update({(ref, each["id"]): f"item-{number}" for ref in _refs_of(content, each)})
    if "bump" not in content:
        return found
    last = content["bump"]["to"]["ref"]
    sites = [(number, each) for number, each in raw if not each.get("since")]
    for number, each in sorted(sites, key=lambda pair: pair[1]["verdict"] not in _STOPS):
        found.setdefault((last, each["patch"]), f"item-{number}")
    found.update({(last, each["id"]): "superseded" for each in superseded(content)})
    if content["bump"].get("refusals"):
        found[last, ""] = "refusals"
    for stop in grid(content).get("stops", ()):  # what began before the new ref and lasts
        refs = _refs_of(content, stop)
        there = found.get((last, stop["id"]))
        found.update({(ref, stop["id"]): there for ref in refs if there and last in refs})
    return found


def red(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Why contracts are red: each reason once, with the `contracts` that it is for."""
    alike: dict[str, dict[str, Any]] = {}
    for each in (content.get("bump") or {}).get("red") or ():
        reason = {name: value for name, value in each.items() if name != "contract"}
        alike.setdefault(repr(reason), {**reason, "contracts": []})["contracts"].append(each["contract"])
    return list(alike.values())


def superseded(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The patches whose work this upstream does itself."""
    return [
        each
        for each in content.get("patches", ())
        if each.get("verdict") == "superseded" and not each["message"].startswith(NOT_NEEDED)
    ]


def other_errors(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The errors that no item, refusal or contract of the page tells of already."""
    bump = content.get("bump") or {}
    told = {f"anchor-{site['verdict']}" for site in bump.get("places", ())}
    told |= {refusal["code"] for refusal in bump.get("refusals", ())}
    told |= {"contract-refused"} if content.get("contracts") else set()
    return [error for error in content.get("errors", ()) if error["code"] not in told]
