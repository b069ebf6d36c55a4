"""The sentences of a page: what it is about, and what came out."""

from collections.abc import Iterator, Mapping
from typing import Any

from patcher.report.document import STOPS
from patcher.report.sites import groups, short, superseded

_NAMED = 3  # so many contracts by name; more only as a number


def title(content: Mapping[str, Any]) -> str:
    """What the page is about."""
    bump = content.get("bump")
    if bump:
        since = f"from {short(bump['from']['ref'])} " if bump.get("from") else ""
        return f"Bump {since}to {short(bump['to']['ref'])}"
    return f"{str(content['command']).capitalize()} of the series"


def headline(content: Mapping[str, Any]) -> str:
    """What came out, in a sentence or two."""
    return " ".join(_of_bump(content)) if "bump" in content or "refs" not in content else _of_matrix(content)


def _of_matrix(content: Mapping[str, Any]) -> str:
    fit, total = sum(ref["supported"] for ref in content["refs"]), len(content["refs"])
    spans = [
        short(each["since"]) if each["since"] == each["until"] else f"{short(each['since'])} to {short(each['until'])}"
        for each in content["supported"]
    ]
    return f"{fit} of {total} refs are supported{': ' if spans else ''}{', '.join(spans)}."


def _of_bump(content: Mapping[str, Any]) -> Iterator[str]:
    sites = [item for _, each in groups(content) for item in each if not item["since"]]
    stops = sum(item["stops"] for item in sites)
    if not sites:
        yield "There is no site to look at."
    else:
        yield f"{stops} of {_sites(len(sites))} stop." if stops else f"All {_sites(len(sites))} fit."
    bump = content.get("bump") or {}
    if bump and not bump.get("from"):
        yield "No older version tag meets the pins."
    if refusals := len(bump.get("refusals") or ()):
        yield f"{refusals} {'thing refuses' if refusals == 1 else 'things refuse'} besides."
    if done := len(superseded(content)):
        yield f"Upstream does the work of {done} {'patch' if done == 1 else 'patches'} itself."
    if contracts := content.get("contracts"):
        yield f"{sum(each['ok'] for each in contracts)} of {len(contracts)} contracts are proven."


def _sites(number: int) -> str:
    return f"{number} site{'' if number == 1 else 's'}"


def unproven(content: Mapping[str, Any]) -> str:
    """Why a bump has no contracts to show; empty where it has, and for what is no bump."""
    if "bump" not in content or content.get("contracts"):
        return ""
    if not content["bump"].get("proposed_ok", True):
        return "The contracts were not run: there is no tree to run them on while an anchor or a gate stops it."
    return "The contracts were not run: `--prove` runs them on the pristine and on the patched tree."


def next_steps(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What to do now: a sentence, and the command, which may be empty."""
    bump = content.get("bump")
    if not bump:
        return []
    retire = [
        (f"Retire {', '.join(each['patches'])}: upstream does it itself ({each['contract']}: {each['said']}).", "")
        for each in content.get("retire", ())
    ]
    if bump.get("written"):
        return [*retire, (f"Written: {', '.join(bump['written'])}. Read the diff.", "git diff patcher/patches")]
    to_read, by_hand = _open_sites(bump)
    said = (
        f"Read {', '.join(to_read)} below: what is most like it does not fit, or is not like it enough to be proposed."
    )
    first = [(said, "")] if to_read else []
    first += [(f"By hand first: no candidate fits {', '.join(by_hand)}.", "")] if by_hand else []
    first += [(f"By hand first: {each['code']}, {each['where']}.", "") for each in bump.get("refusals") or ()]
    red = [each["contract"] for each in bump.get("red") or ()]
    which = f"red is {', '.join(red)}" if len(red) <= _NAMED else f"{len(red)} contracts are red"
    first += [(f"By hand first: {which}; it says why below.", "")] if red else []
    if bump.get("command") and not first:
        said = "Read the windows below: does each payload still mean the same there? Then accept the first candidates."
        return [*retire, (said, bump["command"])]
    if content.get("ok") and bump.get("record") and not first:
        return [*retire, ("Read what is new below; then record that it was read.", bump["record"])]
    return [*retire, *first]


def _open_sites(bump: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The sites for which nothing was chosen: those with a candidate that fits, and the others."""
    found = [site for site in bump["places"] if _is_open(site, bump)]
    fitting = [any(not each["tried"]["problems"] for each in site["candidates"]) for site in found]
    names = [site["site"] for site in found]
    return (
        [name for name, fits in zip(names, fitting, strict=True) if fits],
        [name for name, fits in zip(names, fitting, strict=True) if not fits],
    )


def _is_open(site: Mapping[str, Any], bump: Mapping[str, Any]) -> bool:
    """Whether a site stops, and no candidate was chosen for it."""
    stops = site["verdict"] in STOPS
    return stops and site.get("change") != "waits" and site["site"] not in bump.get("chosen", ())
