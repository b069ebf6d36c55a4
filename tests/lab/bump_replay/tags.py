"""For each pair of adjacent tags: the pins of the older only, a bump to the newer, and is every stop explained?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from patcher import apply
from patcher.bump.model import Bump, BumpOptions, Change, ContractRegression, SiteReport
from patcher.bump.proving import Prover
from patcher.bump.run import bump
from patcher.javascript import language_of
from patcher.locate import locate
from patcher.model import Line, Patch, Pin, Site, version_key
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.pipeline import check_upstream
from patcher.prove import proof
from patcher.prove.contract import in_short
from patcher.upstream.history import Repository
from tests.lab.bump_replay.oracle import guilty

EVERY = (*SERIES, *CLIENT_SERIES)


def as_of(repository: Repository, tag: str, series: Sequence[Patch] = EVERY) -> tuple[Patch, ...]:
    """The series as somebody had it at a tag: only pins that are met there or at an older one, and no range that begins
    or ends later, so also nothing that is superseded later."""
    tags = repository.tags()
    met: set[tuple[str, str]] = set()
    for older in tags[: tags.index(tag) + 1]:
        for there in apply.apply_series(repository.upstream(older), series).sites:
            met |= {(there.id, pin) for pin in there.finding.pins}
    return tuple(_patch_as_of(patch, met, tag) for patch in series)


def _patch_as_of(patch: Patch, met: set[tuple[str, str]], tag: str) -> Patch:
    edits = (_site_as_of(site, {tokens for name, tokens in met if name == site.id}, tag) for site in patch.sites)
    known = patch.superseded is Line.V1 or version_key(tag) >= version_key("2.0.0")
    return replace(patch, sites=tuple(edit for edit in edits if edit), superseded=patch.superseded if known else None)


def _site_as_of(edit: Site, met: set[str], tag: str) -> Site | None:
    def kept(pins: tuple[Pin, ...]) -> tuple[Pin, ...]:
        return tuple(pin for pin in pins if pin.tokens in met)

    anchors = tuple(replace(each, pins=kept(each.pins)) for each in edit.anchors if kept(each.pins))
    unknown = not anchors or (edit.since and version_key(edit.since) > version_key(tag))
    return None if unknown else replace(edit, anchors=anchors)


def show(path: str, *, prove: bool, pairs: Sequence[str] = ()) -> bool:
    """A line for each pair and each stop. Whether every stop has the right commit and a candidate, or a reason for none."""
    good, stops, named = True, 0, 0
    with Repository.open(path, client=True) as repository:
        for older, newer in pairwise(repository.tags()):
            if pairs and f"{older}..{newer}" not in pairs:
                continue
            series = as_of(repository, older)
            if not any(patch.sites for patch in series):
                print(f"{older} → {newer}: no pin is met yet")
                continue
            found = bump(repository, series, BumpOptions(newer, older))
            bad = [place for place in found.sites if place.stops]
            print(
                f"{older} → {newer}: {len(found.sites)} places, {len(bad)} stop, {len(found.refusals)} refuse besides"
            )
            for place in bad:
                right, said = _explained(repository, place, older, newer)
                stops, named, good = stops + 1, named + right, good and right
                print(f"  {place.id} {place.finding.verdict}, {place.change}: {said}")
                good &= any(each.tried.fits for each in place.candidates) or _says_why(place)
            good &= _closing(repository, found, prove)
    print(f"{stops} stops, {named} explained by the commit that an exhaustive search names, or by what they wait for")
    return good


def _explained(repository: Repository, place: SiteReport, older: str, newer: str) -> tuple[bool, str]:
    if place.change is Change.WAITS:
        return True, place.change_said
    since = repository.merge_base(older, newer)

    def stopping(text: str | None) -> bool:
        return text is None or not any(_fits(text, place.site, number) for number in range(len(place.site.anchors)))

    wanted = guilty(repository.path, since, newer, place.site.file, stopping)
    found = place.culprit.commit if place.culprit else ""
    right = found in wanted if wanted else not found
    best = next(iter(place.candidates), None)
    fits = (
        f"candidate 1 of {len(place.candidates)} {'fits' if best.tried.fits else 'does not fit: ' + best.tried.problems[0]}"
        if best
        else "no candidate"
    )
    subject = f"{found[:8]} {place.culprit.subject}" if place.culprit else "no commit"
    return right, f"{'right' if right else 'WRONG, expected ' + ' or '.join(sorted(wanted))}: {subject}; {fits}"


def _fits(text: str, edit: Site, number: int) -> bool:
    matches = locate(text, edit.anchors[number], language_of(edit.file)).matches
    return len(matches) == 1 and matches[0].tokens in {pin.tokens for pin in edit.anchors[number].pins}


def _says_why(place: SiteReport) -> bool:
    return bool(place.change_said) and all(each.tried.problems for each in place.candidates)


def _closing(repository: Repository, found: Bump, prove: bool) -> bool:
    build = found.proposed
    if not build.ok:
        reasons = [*_reasons(found)]
        print(f"  accepting the first candidates does not build: {'; '.join(dict.fromkeys(reasons))}")
        return bool(reasons)
    print(f"  accepting {dict(found.chosen) or 'nothing'} builds, {len(build.gates)} of {len(build.gates)} gates")
    return _proven(repository, found) if prove and found.chosen else True


def _proven(repository: Repository, found: Bump) -> bool:
    """Whether the contracts of the tree with the first candidates are green, or each red one has a reason that holds."""
    look = partial(proof.look, install=True, command="python -m tests.lab.bump_replay --prove")
    found, results = Prover(repository, partial(proof.run, install=True), look).first_choices(found)
    print(f"  contracts of the accepted tree: {sum(each.ok for each in results)} of {len(results)}")
    reasons = {each.contract: each for each in found.red}
    good = True
    for each in results:
        if not each.ok:
            reason = reasons.get(each.contract.id)
            holds = reason is not None and (reason.culprit is None or _turns_red(repository, found, reason))
            good &= holds
            print(f"    {each.contract.id}: {_said(reason) if reason else in_short(each.message)}")
            print(f"      {'this holds' if holds else 'THIS DOES NOT HOLD'}")
    for place in found.sites:
        for twin in place.twins:
            print(f"    twin of {place.id}: line {twin.line}, {twin.scope}: `{twin.shown}`")
    return good


def _said(reason: ContractRegression) -> str:
    commit = reason.culprit
    return f"{f'{commit.commit[:8]} {commit.subject}; ' if commit else ''}{reason.said}"


def _turns_red(repository: Repository, found: Bump, reason: ContractRegression) -> bool:
    """Asked once more, each on its own: green at every parent of the commit that is named, and red at the commit."""
    assert reason.culprit is not None

    def green(commit: str) -> bool:
        upstream = replace(repository.upstream(commit), version=found.until.upstream.version)
        build = check_upstream(upstream, found.series)
        if not build.ok:
            build = check_upstream(repository.upstream(commit), found.series)
        return proof.look(build, [reason.contract], install=True, command="")[reason.contract].green

    commit = repository.commit(reason.culprit.commit)
    return not green(commit.id) and all(green(parent) for parent in commit.parents)


def _reasons(found: Bump) -> Iterator[str]:
    yield from (f"{each.code}: {each.message[:100]}" for each in found.refusals)
    for place in found.sites:
        if place.stops and place.id not in found.chosen:
            yield f"{place.id}: {next((p for each in place.candidates for p in each.tried.problems), place.change_said)[:160]}"
