"""The report's stops and places, brought to one shape for the templates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patcher.model import STOPPING
from patcher.page.rows import rows

_STOPS = frozenset(str(verdict) for verdict in STOPPING) | {"refused"}
_GOOD = frozenset({"exact", "applied"})
_MARK = {"good": "✓", "moved": "→", "superseded": "∅", "stops": "✕"}


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


def items(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a person has to look at, stops first; each with an `anchor` that a link can name."""
    found = [_item(number, raw) for number, raw in enumerate(_raw(content), 1)]
    return sorted(found, key=lambda item: not item["stops"])


def _raw(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if "stops" in content:
        return list(content["stops"])
    if "bump" in content:
        return list(content["bump"]["places"])
    told = [*content.get("places", ()), *content.get("patches", ())]
    return [each for each in told if each.get("window") or each.get("windows")]


def _item(number: int, raw: Mapping[str, Any]) -> dict[str, Any]:
    verdict = str(raw["verdict"])
    return {
        "anchor": f"item-{number}",
        "id": raw.get("patch") or raw.get("id") or "gates",
        "number": raw.get("number"),
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
        "candidates": list(raw.get("candidates") or ()),
        "scope_diff": raw.get("scope_diff"),
    }


def _windows(raw: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    given = raw.get("windows") or ([{**raw, **raw["window"], "message": ""}] if raw.get("window") else [])
    for window in given:
        payload, place = (
            window.get("payload") or raw.get("payload") or "",
            window.get("place") or raw.get("place") or "",
        )
        reviewed, found = window.get("reviewed"), window.get("found")
        yield {
            "file": window.get("file", ""),
            "scope": window.get("scope", ""),
            "message": window.get("message", ""),
            "place": place,
            "payload": payload,
            "reviewed": reviewed,
            "found": found,
            "rows": rows(reviewed, found, payload, place),
        }


def stop_anchors(content: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Which item a cell of the grid leads to, by ref and patch."""
    order = [ref["ref"] for ref in content.get("refs", ())]
    found = {}
    for number, stop in enumerate(content.get("stops", ()), 1):
        for ref in order[order.index(stop["since"]) : order.index(stop["until"]) + 1]:
            found[ref, stop["id"]] = f"item-{number}"
    return found


def headline(content: Mapping[str, Any]) -> str:
    """One sentence: what came out."""
    if "refs" in content:
        fit, total = sum(ref["supported"] for ref in content["refs"]), len(content["refs"])
        spans = [
            short(each["since"])
            if each["since"] == each["until"]
            else f"{short(each['since'])} to {short(each['until'])}"
            for each in content["supported"]
        ]
        return f"{fit} of {total} refs are supported{': ' if spans else ''}{', '.join(spans)}."
    stops = sum(item["stops"] for item in items(content))
    places = len(items(content))
    return f"{stops} of {places} places stop." if stops else f"All {places} places go on."


def title(content: Mapping[str, Any]) -> str:
    """What the page is about."""
    bump = content.get("bump")
    if bump:
        since = f"from {bump['from']['ref']} " if bump.get("from") else ""
        return f"Bump {since}to {bump['to']['ref']}"
    return f"{str(content['command']).capitalize()} of the series"
