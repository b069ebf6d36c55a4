"""A bump for a person at a terminal: what stops first, then what fits, then what is new; at the end what to type.

All of it is some 60 lines unless much stops; `everything` leaves nothing out.
"""

import difflib
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patcher.model import STOPPING

_RED, _GREEN, _YELLOW, _BOLD, _DIM, _CYAN = "31;1", "32", "33", "1", "2", "36"
_WIDTH = 110
_WINDOW, _WINDOW_OF_MANY, _MANY = 16, 10, 3
_CANDIDATES, _PROBLEM = 3, 160
_NEW, _NEW_AT_LEAST = 24, 2
_TWINS = 4
_STOPS = frozenset(str(verdict) for verdict in STOPPING)
_Site = Mapping[str, Any]


def text_of(report: Mapping[str, Any], *, colour: bool = False, everything: bool = False) -> str:
    """The report of a bump as text, with a final newline."""
    lines = _Text(report, report["bump"], colour, everything).lines()
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Text:
    report: Mapping[str, Any]
    bump: Mapping[str, Any]
    colour: bool
    everything: bool

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def lines(self) -> Iterator[str]:
        stops = [site for site in self.bump["places"] if site["verdict"] in _STOPS]
        yield self._headline(len(stops))
        yield from (f"note  {note}" for note in self.report.get("notes", ()))
        for site in stops:
            yield ""
            yield from self._stop(site, _WINDOW if len(stops) < _MANY else _WINDOW_OF_MANY)
        for refusal in self.bump["refusals"]:
            yield ""
            yield from self._refusal(refusal)
        yield from self._contracts()
        going = [site for site in self.bump["places"] if site["verdict"] not in _STOPS]
        yield from self._fits(going)
        yield from self._twins(going)
        yield from self._new(going)
        yield ""
        yield from self._what_to_do()

    def _headline(self, stops: int) -> str:
        since = self.bump["from"]["ref"] if self.bump["from"] else "no ref whose pins are met"
        sites = len(self.bump["places"])
        said = self.paint(f"{stops} of {sites} sites stop", _RED) if stops else ""
        said = said or self.paint(f"all {sites} sites fit", _GREEN)
        ends = f"{since} → {self.bump['to']['ref']}"
        return f"{self.paint(ends, _BOLD)}   {said}"

    # --- a site that stops ------------------------------------------------------------------------------------

    def _stop(self, site: _Site, most: int) -> Iterator[str]:
        where = f"{site['file']}:{site['line']}" if site["line"] else site["file"]
        yield f"{self.paint(site['verdict'], _RED)}  {self.paint(_name(site), _BOLD)}  {where}, {site['scope']}"
        if site["change_said"]:
            word = f"{site['change']}: " if site["change"] else ""
            yield f"  what  {word}{site['change_said']}"
        pinned = any(each["kind"] == "pin" for each in site["candidates"])
        if site["change"] == "not yet" and not pinned and not self.everything:
            yield "  do    take a newer upstream, or write an anchor by hand for this one; `--all` shows what is alike"
        elif site["change"] != "waits":
            yield from self._who(site["culprit"]) if site["change"] else ()
            yield from (f"        {line}" for line in self._window(site["window"], most))
            yield from self._candidates(site)

    def _who(self, culprit: Mapping[str, Any] | None) -> Iterator[str]:
        if culprit is None:
            yield "  who   no commit: it has been so since the file is there, or upstream's version alone changed"
            return
        yield f"  who   {self.paint(culprit['commit'][:12], _YELLOW)} {culprit['date'][:10]}  {culprit['subject']}"
        if culprit["brought_by"]:
            merge = culprit["brought_by"]
            said = f"by {merge['commit'][:12]} {merge['date'][:10]}  {merge['subject']}"
            yield f"        {self.paint(said, _DIM)}"

    def _window(self, window: Mapping[str, Any], most: int) -> Iterator[str]:
        sides = (window["reviewed"], window["found"] or window["nearest"])
        old, new = (_in_its_blocks(side) if side else [] for side in sides)
        names = [f"{_short(side['ref'])} line {side['line']}" if side else "nothing" for side in sides]
        names[1] += "" if window["found"] or not window["nearest"] else ", as the candidate has it"
        if not old and not new:
            return
        lines = list(difflib.unified_diff(old, new, names[0], names[1], lineterm="", n=1 if old else 3))
        lines = [line for line in lines if not line.startswith("@@")] or [f"  {line}" for line in new]
        yield from self._cut((self._painted(line) for line in lines), len(lines), most)

    def _cut(self, lines: Iterable[str], number: int, most: int) -> Iterator[str]:
        """The first lines, and how many more there are."""
        shown = number if self.everything or number <= most + 1 else most
        yield from (line for line, _ in zip(lines, range(shown), strict=False))
        if number > shown:
            yield self.paint(f"… {number - shown} lines more", _DIM)

    def _painted(self, line: str) -> str:
        return self.paint(line, {"+": _GREEN, "-": "31", "@": _CYAN}.get(line[:1], _DIM))

    def _candidates(self, site: _Site) -> Iterator[str]:
        taken = self.bump["chosen"].get(_name(site)) if self.bump["accepted"] else None
        found = [each for each in site["candidates"] if taken in {None, each["rank"]}]
        if not found:
            yield "  do    there is no candidate: write an anchor by hand, or declare the patch superseded"
        shown = found if self.everything else found[:_CANDIDATES]
        for each in shown:
            yield from self._candidate(site, each, is_taken=taken is not None)
        if len(found) > len(shown):
            yield f"        … {len(found) - len(shown)} candidates more, less like it"

    def _candidate(self, site: _Site, each: Mapping[str, Any], *, is_taken: bool) -> Iterator[str]:
        yield f"  {'took' if is_taken else 'do'} {each['rank']:>2}  {self.paint(_anchor(site, each), _BOLD)}"
        yield from (f"        {self.paint(line, _DIM)}" for line in [_clipped("; ".join(each["why"]))] if line)
        yield f"        {self._tried(each['tried'])}"
        for problem in each["tried"]["problems"]:
            yield f"        {self.paint('✗ ' + (problem if self.everything else _clipped(problem)), '31')}"
        if not each["tried"]["problems"] and not is_taken:
            yield f"        $ {self.paint(each['command'], _CYAN)}"

    def _tried(self, tried: Mapping[str, Any]) -> str:
        words = {True: ("✓", _GREEN), False: ("✗", "31"), None: ("·", _DIM)}
        steps = ((step, *words[tried[step]]) for step in ("unique", "parses", "gates", "contracts"))
        return "  ".join(self.paint(f"{mark} {step}", code) for step, mark, code in steps)

    # --- what else refuses -------------------------------------------------------------------------------------

    def _refusal(self, refusal: Mapping[str, Any]) -> Iterator[str]:
        yield f"{self.paint(refusal['code'], _RED)}  {refusal['where']}"
        yield f"  what  {refusal['message']}"
        yield from self._who(refusal["culprit"]) if refusal["culprit"] else ()

    def _contracts(self) -> Iterator[str]:
        contracts, reasons = self.report.get("contracts", ()), self.bump["red"]
        known = {each["contract"]: each for each in reasons}
        alike: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for each in contracts:
            if not each["ok"]:
                said = known[each["id"]]["said"] if each["id"] in known else ""
                alike.setdefault(("" if said else each["message"].splitlines()[0], said), []).append(each)
        for each, *others in alike.values():
            yield ""
            names = ", ".join(self.paint(one["id"], _BOLD) for one in (each, *others))
            yield f"{self.paint('contract', _RED)}  {names}"
            first, *log = each["message"].splitlines()
            yield f"  what  {first}"
            yield from (f"        {one['message'].splitlines()[0]}" for one in (others if self.everything else ()))
            yield from (f"        {line}" for line in self._cut((self.paint(line, _DIM) for line in log), len(log), 6))
            yield from self._reason(known[each["id"]]) if each["id"] in known else ()
        if contracts:
            proven = sum(each["ok"] for each in contracts)
            yield ""
            yield f"contracts  {proven} of {len(contracts)} proven: red on pristine, green on patched"

    def _reason(self, reason: Mapping[str, Any]) -> Iterator[str]:
        """Who made it red, what that brought, and why no candidate mends it."""
        if reason["culprit"]:
            yield from self._who(reason["culprit"])
            if reason["untold"]:
                others = ", ".join(each[:12] for each in reason["untold"])
                yield f"        {self.paint(f'or one of these, where nothing could be built: {others}', _DIM)}"
        for number, each in enumerate(reason["brought"]):
            sites = ", ".join(each["places"]) or "no site of its patches is in it"
            how = "new" if each["new"] else "changed"
            yield f"  {'    ' if number else 'did '}  {how}: {each['scope']} of {each['file']} ({sites})"
        yield f"  why   {reason['said']}"

    # --- what fits, and what is new there ----------------------------------------------------------------------

    def _fits(self, going: Sequence[_Site]) -> Iterator[str]:
        by_verdict: dict[str, list[str]] = {}
        for site in going:
            by_verdict.setdefault(site["verdict"], []).append(_name(site))
        done = [each["id"] for each in self.report.get("patches", ()) if each["verdict"] == "superseded"]
        by_verdict.update({"superseded": done} if done else {})
        if by_verdict:
            yield ""
            said = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in by_verdict.items())
            yield from self._wrapped(f"{self.paint('fit', _GREEN)}   {said}")

    def _wrapped(self, text: str) -> list[str]:
        return textwrap.wrap(text, _WIDTH, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False)

    def _twins(self, going: Sequence[_Site]) -> Iterator[str]:
        found = [(site, each) for site in going for each in site["twins"]]
        if not found:
            return
        yield ""
        yield (
            f"{self.paint('twin', _YELLOW)}  what a site replaces is there once more, new since its review, "
            "and nothing replaces it: it may need an edit of its own"
        )
        shown = (
            f"        {_name(site)}  {site['file']}:{each['line']}, {each['scope']}: `{_short(each['shown'])}`"
            for site, each in found
        )
        yield from self._cut(shown, len(found), _TWINS)

    def _new(self, going: Sequence[_Site]) -> Iterator[str]:
        """Of each scope the lines that matter most; together so many that a person reads them."""
        scopes = _scopes(going)
        changed = {key: _changed(site["scope_diff"]) for key, (site, _) in scopes.items()}
        if not scopes:
            return
        yield ""
        total = sum(changed.values())
        each = max(_NEW_AT_LEAST, _NEW // len(scopes))
        yield self.paint("new", _YELLOW) + f"   {_number(total, 'changed line')} in {_number(len(scopes), 'scope')}"
        for (file, scope), (site, names) in scopes.items():
            diff = site["scope_diff"]
            since = _short(diff["since"])
            yield f"  {file}, {scope}, {_number(changed[file, scope], 'line')} since {since}: {', '.join(names)}"
            lines = diff["lines"] if self.everything else [line for line in diff["lines"] if _tells(line)]
            for line in lines if self.everything else lines[:each]:
                yield f"        {self._painted(line if self.everything else _short(line))}"
        if not self.everything:
            yield f"  all of it: $ {self.paint(self.bump['all'], _CYAN)}"

    # --- what to do --------------------------------------------------------------------------------------------

    def _what_to_do(self) -> Iterator[str]:
        for each in self.report.get("retire", ()):
            patches = ", ".join(each["patches"])
            yield f"{self.paint('retire', _YELLOW)}  {patches}: upstream does it itself: {each['said']}"
        for name in self.bump["fine"]:
            yield f"{self.paint('fine', _GREEN)}  {name} goes through as it is: there is nothing to accept"
        if self.bump["written"]:
            yield f"{self.paint('written', _GREEN)}  {', '.join(self.bump['written'])}"
            return
        yield from (f"{self.paint('next', _BOLD)}  {line}" for line in self._next())

    def _next(self) -> Iterator[str]:
        bump = self.bump
        first = [*self._by_hand()]
        yield from first
        if first:
            return
        if bump["command"]:
            what = "this builds; what you have read, write" if bump["accepted"] else "read the windows above; then"
            yield f"{what}\n  $ {self.paint(bump['command'], _CYAN)}"
        elif self.report["ok"] and bump["record"]:
            yield f"read what is new above; then record it\n  $ {self.paint(bump['record'], _CYAN)}"
        elif self.report["ok"]:
            new = any(site["scope_diff"] and site["scope_diff"]["lines"] for site in bump["places"])
            yield "nothing to write; read what is new above" if new else "nothing to do"

    def _by_hand(self) -> Iterator[str]:
        bump = self.bump
        waiting, by_hand = _open_sites(bump)
        if waiting:
            names = ", ".join(_name(site) for site in waiting)
            yield f"read {names} above: what is most like it does not fit, or is not like it enough to be proposed"
        if by_hand:
            yield f"by hand first: no candidate fits {', '.join(map(_name, by_hand))}; it says why above"
        if bump["accepted"] and not bump["proposed_ok"]:
            errors = [each for each in self.report["errors"] if not each["code"].startswith("anchor-")]
            for each in errors:
                yield f"by hand first: {each['code']}, {each['where']}: {_clipped(each['message'])}"
        else:
            for refusal in bump["refusals"]:
                yield f"by hand first: {refusal['code']}, {refusal['where']}"
        if bump["red"]:
            yield f"by hand first: red is {', '.join(each['contract'] for each in bump['red'])}; it says why above"


def _open_sites(bump: Mapping[str, Any]) -> tuple[list[_Site], list[_Site]]:
    """The sites that stop and that nothing was chosen for: those with a candidate that fits, and the others."""
    found = [
        site
        for site in bump["places"]
        if site["verdict"] in _STOPS and site["change"] != "waits" and _name(site) not in bump["chosen"]
    ]
    fitting = [site for site in found if any(not each["tried"]["problems"] for each in site["candidates"])]
    return fitting, [site for site in found if site not in fitting]


def _name(site: _Site) -> str:
    return str(site["site"])


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _scopes(going: Sequence[_Site]) -> dict[tuple[str, str], tuple[_Site, list[str]]]:
    """Each scope in which something is new: the site that shows most of it, and all that are in it."""
    found: dict[tuple[str, str], tuple[_Site, list[str]]] = {}
    for site in going:
        if site["scope_diff"] and site["scope_diff"]["lines"]:
            key = (site["file"], site["scope"])
            most, names = found.get(key, (site, []))
            if len(site["scope_diff"]["lines"]) > len(most["scope_diff"]["lines"]):
                most = site
            found[key] = (most, [*names, _name(site)])
    return found


def _changed(diff: Mapping[str, Any]) -> int:
    return int(diff["left_out"]) + sum(line[:1] in {"+", "-"} for line in diff["lines"])


def _tells(line: str) -> bool:
    """Whether a line of a diff is one that changed and holds code."""
    return line[:1] in {"+", "-"} and line[1:].strip() != "" and not line[1:].lstrip().startswith(("//", "*", "/*"))


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _clipped(text: str) -> str:
    return text if len(text) <= _PROBLEM else f"{text[: _PROBLEM - 1]}…"


def _anchor(site: _Site, candidate: Mapping[str, Any]) -> str:
    if candidate["kind"] == "pin":
        return "the same anchor, a new pin"
    containing = f" with `{candidate['containing']}` in it" if candidate["containing"] else ""
    where = f" in {candidate['file']}" if candidate["file"] != site["file"] else ""
    return f"`{candidate['pattern']}`{containing} in {candidate['scope']}{where}"


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
