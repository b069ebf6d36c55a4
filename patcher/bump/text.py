"""A bump for a person at a terminal: what moved, who moved it, what to do, in that order."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_RED, _GREEN, _YELLOW, _BOLD, _DIM, _CYAN = "31;1", "32", "33", "1", "2", "36"
_SHOWN_LINES = 24
Paint = Callable[[str, str], str]


def text_of(report: Mapping[str, Any], *, colour: bool = False) -> str:
    """The report of a bump as text, with a final newline."""
    paint: Paint = (lambda text, code: f"\x1b[{code}m{text}\x1b[0m") if colour else (lambda text, _: text)
    bump = report["bump"]
    lines = [_headline(bump, paint)]
    stops = [place for place in bump["places"] if place["change"] or place["verdict"] in _STOPS]
    for place in stops:
        lines += ["", *_stop(place, paint)]
    for refusal in bump["refusals"]:
        lines += ["", *_refusal(refusal, paint)]
    lines += ["", *_going(bump, paint)]
    lines += _contracts(report.get("contracts", ()), bump["red"], paint)
    lines += _what_to_do(report, paint)
    return "\n".join(lines) + "\n"


_STOPS = frozenset({"drifted", "missing", "ambiguous", "tampered"})


def _headline(bump: Mapping[str, Any], paint: Paint) -> str:
    since = bump["from"]["ref"] if bump["from"] else "no ref whose pins are met"
    places = bump["places"]
    stops = sum(place["verdict"] in _STOPS for place in places)
    said = (
        paint(f"{stops} of {len(places)} places stop", _RED)
        if stops
        else paint(f"all {len(places)} places fit", _GREEN)
    )
    ends = f"{since} → {bump['to']['ref']}"
    return f"{paint(ends, _BOLD)}   {said}"


# --- a place that stops ----------------------------------------------------------------------------------------


def _stop(place: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    where = f"{place['file']}:{place['line']}" if place["line"] else place["file"]
    name = f"{place['patch']}.{place['number']}"
    yield f"{paint(place['verdict'], _RED)}  {paint(name, _BOLD)}  {where}, {place['scope']}"
    if place["change_said"]:
        word = f"{place['change']}: " if place["change"] else ""
        yield f"  what  {word}{place['change_said']}"
    if place["change"] != "waits":
        yield from _who(place["culprit"], paint) if place["change"] else ()
        yield from (f"        {line}" for line in _window_diff(place["window"], paint))
        yield from _candidates(place, paint)


def _who(culprit: Mapping[str, Any] | None, paint: Paint) -> Iterator[str]:
    if culprit is None:
        yield "  who   no commit: it has been so since the file is there, or upstream's version alone changed"
        return
    yield f"  who   {paint(culprit['commit'][:12], _YELLOW)} {culprit['date'][:10]}  {culprit['subject']}"
    if culprit["brought_by"]:
        merge = culprit["brought_by"]
        said = f"by {merge['commit'][:12]} {merge['date'][:10]}  {merge['subject']}"
        yield f"        {paint(said, _DIM)}"


def _window_diff(window: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    sides = (window["reviewed"], window["found"] or window["nearest"])
    old, new = (_in_its_blocks(side) if side else [] for side in sides)
    names = [f"{side['ref']} line {side['line']}" if side else "nothing" for side in sides]
    names[1] += "" if window["found"] or not window["nearest"] else ", as the candidate has it"
    if not old and not new:
        return
    lines = list(difflib.unified_diff(old, new, names[0], names[1], lineterm="", n=3))
    lines = [line for line in lines if not line.startswith("@@")] or [f"  {line}" for line in new]
    for line in lines[:_SHOWN_LINES]:
        yield paint(line, {"+": _GREEN, "-": "31"}.get(line[:1], _DIM))
    if len(lines) > _SHOWN_LINES:
        yield paint(f"… {len(lines) - _SHOWN_LINES} lines more", _DIM)


def _in_its_blocks(side: Mapping[str, Any]) -> list[str]:
    """What is said before the braces around a window, and its lines, each block two further in."""
    depth = len(side["around"])
    inner = [f"{'  ' * depth}{line}" if line else "" for line in _dedented(side["text"])]
    return [*(f"{'  ' * level}{header}" for level, header in enumerate(side["around"])), *inner]


def _dedented(text: str) -> list[str]:
    """Lines of a window; its first one begins where the statement does, the others keep their distance to its last."""
    lines = text.replace("\r\n", "\n").split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    cut = min(indents, default=0)
    return [lines[0], *(line[cut:] for line in lines[1:])]


def _candidates(place: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    found = place["candidates"]
    if not found:
        yield "  do    there is no candidate: write an anchor by hand, or give the patch a `superseded` range"
    for each in found:
        yield f"  do {each['rank']:>2}  {paint(_anchor(place, each), _BOLD)}"
        yield f"        {_tried(each['tried'], paint)}"
        yield from (f"        {paint('because ' + reason, _DIM)}" for reason in each["why"])
        yield from (f"        {paint('✗ ' + problem, '31')}" for problem in each["tried"]["problems"])
        if not each["tried"]["problems"]:
            yield f"        $ {paint(each['command'], _CYAN)}"


def _anchor(place: Mapping[str, Any], candidate: Mapping[str, Any]) -> str:
    if candidate["kind"] == "pin":
        return "the same anchor, a new pin"
    where = f" in {candidate['file']}" if candidate["file"] != place["file"] else ""
    return f"`{candidate['pattern']}` in {candidate['scope']}{where}"


def _tried(tried: Mapping[str, Any], paint: Paint) -> str:
    words = {True: ("✓", _GREEN), False: ("✗", "31"), None: ("·", _DIM)}
    shown = []
    for step in ("unique", "parses", "gates", "contracts"):
        mark, code = words[tried[step]]
        shown.append(paint(f"{mark} {step}", code))
    return "  ".join(shown)


# --- the rest --------------------------------------------------------------------------------------------------


def _refusal(refusal: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    yield f"{paint(refusal['code'], _RED)}  {refusal['where']}"
    yield f"  what  {refusal['message']}"
    yield from _who(refusal["culprit"], paint)


def _going(bump: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    going = [place for place in bump["places"] if place["verdict"] not in _STOPS]
    shown: dict[str, list[str]] = {}
    diffs: dict[str, Mapping[str, Any]] = {}
    for place in going:
        diff = place["scope_diff"]
        key = f"{place['file']}, {place['scope']}" if diff and diff["lines"] else ""
        shown.setdefault(key, []).append(f"{place['patch']}.{place['number']} {place['verdict']}")
        if key and len(diff["lines"]) > len(diffs.get(key, {"lines": ()})["lines"]):
            diffs[key] = diff
    if "" in shown:
        yield f"{paint('fit, and nothing else is new there', _GREEN)}: {', '.join(shown.pop(''))}"
    for key, places in shown.items():
        diff = diffs[key]
        more = f", {diff['left_out']} changed lines more" if diff["left_out"] else ""
        yield ""
        yield f"{paint('fit', _GREEN)}: {', '.join(places)}"
        yield f"  new   in {key} since {diff['since']}{more}"
        yield from (f"        {_painted(line, paint)}" for line in diff["lines"])
    for place in going:
        yield from _twins(place, paint)


def _twins(place: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    name = f"{place['patch']}.{place['number']}"
    for each in place["twins"]:
        yield ""
        yield f"{paint('twin', _YELLOW)}  {paint(name, _BOLD)}  {place['file']}:{each['line']}, {each['scope']}"
        yield "  what  the code that it replaces is here too, new since its review, and no place replaces it"
        yield f"        {each['shown']}"
        yield "  do    read it: it may need an edit of its own"


def _painted(line: str, paint: Paint) -> str:
    code = {"+": _GREEN, "-": "31", "@": _CYAN}.get(line[:1])
    return paint(line, code) if code else line


def _contracts(contracts: Any, reasons: Sequence[Mapping[str, Any]], paint: Paint) -> Iterator[str]:
    known = {each["contract"]: each for each in reasons}
    alike: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in contracts:
        if not each["ok"]:
            said = known[each["id"]]["said"] if each["id"] in known else ""
            alike.setdefault((each["message"].splitlines()[0], said), []).append(each)
    for each, *others in alike.values():
        yield ""
        names = ", ".join(paint(one["id"], _BOLD) for one in (each, *others))
        yield f"{paint('contract', _RED)}  {names}"
        first, *log = each["message"].splitlines()
        yield f"  what  {first}"
        yield from (f"        {paint(line, _DIM)}" for line in log)
        yield from _reason(known[each["id"]], paint) if each["id"] in known else ()
    if contracts:
        proven = sum(each["ok"] for each in contracts)
        yield ""
        yield f"contracts  {proven} of {len(contracts)} proven: red on pristine, green on patched"


def _reason(reason: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    """Who made it red, what that brought, and why no candidate mends it."""
    if reason["culprit"]:
        yield from _who(reason["culprit"], paint)
        if reason["untold"]:
            others = ", ".join(each[:12] for each in reason["untold"])
            yield f"        {paint(f'or one of these, where nothing could be built: {others}', _DIM)}"
    for number, each in enumerate(reason["brought"]):
        places = ", ".join(each["places"]) or "no place of its patches is in it"
        how = "new" if each["new"] else "changed"
        yield f"  {'    ' if number else 'did '}  {how}: {each['scope']} of {each['file']} ({places})"
    yield f"  why   {reason['said']}"


def _what_to_do(report: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    bump = report["bump"]
    yield ""
    for each in report.get("retire", ()):
        yield f"{paint('retire', _YELLOW)}  {', '.join(each['patches'])}: upstream does it itself: {each['said']}"
    if bump["written"]:
        yield f"{paint('written', _GREEN)}  {', '.join(bump['written'])}"
        return
    yield from (f"{paint('next', _BOLD)}  {line}" for line in _next(report, paint))


def _next(report: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    bump = report["bump"]
    open_ones = [
        f"{place['patch']}.{place['number']}"
        for place in bump["places"]
        if place["verdict"] in _STOPS and place["change"] != "waits" and not _is_chosen(place, bump)
    ]
    if open_ones:
        yield f"by hand first: no candidate fits {', '.join(open_ones)}; it says why above"
    for refusal in bump["refusals"]:
        yield f"by hand first: {refusal['code']}, {refusal['where']}"
    if bump["red"]:
        yield f"by hand first: red is {', '.join(each['contract'] for each in bump['red'])}; it says why above"
    if bump["command"] and not open_ones and not bump["refusals"] and not bump["red"]:
        yield f"read the windows above; then\n  $ {paint(bump['command'], _CYAN)}"
    elif report["ok"] and bump["record"]:
        yield f"read what is new above; then record it\n  $ {paint(bump['record'], _CYAN)}"


def _is_chosen(place: Mapping[str, Any], bump: Mapping[str, Any]) -> bool:
    return f"{place['patch']}.{place['number']}" in bump["chosen"]
