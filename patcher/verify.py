"""Stage 3: matches against pins, a verdict, and the words for it."""

import shlex

from patcher.model import Anchor, Finding, Located, Match, Patch, Pin, Site, Upstream, Verdict
from patcher.upstream.spec import repository_of


def verify(patch: Patch, site: Site, located: Located, upstream: Upstream) -> Finding:
    """Judge what `locate` found for one anchor of a site.

    A scope that is there twice is ambiguous wherever the pattern is: which one runs is not decided by that.
    """
    if len(located.scopes) > 1:
        return _scope_twice(patch, site, located, upstream)
    if not located.matches:
        return _missing(patch, site, located, upstream)
    if len(located.matches) > 1:
        return _ambiguous(patch, site, located, upstream)
    match = located.matches[0]
    pin = next((pin for pin in located.anchor.pins if pin.tokens == match.tokens), None)
    if not located.anchor.pins:
        return _unreviewed(patch, site, located.anchor, match, upstream)
    if pin is None:
        return _drifted(patch, site, located.anchor, match, upstream)
    return _reviewed(patch, site, located.anchor, match, pin)


def _reviewed(patch: Patch, site: Site, anchor: Anchor, match: Match, pin: Pin) -> Finding:
    twins = [other for other in anchor.pins if other.tokens == pin.tokens]
    same_text = [other for other in twins if other.text == match.text]
    if not same_text:
        verdict, message = Verdict.REFORMATTED, "the same tokens as reviewed, laid out differently"
    elif any(other.line == match.line for other in same_text):
        verdict, message = Verdict.EXACT, ""
    else:
        verdict, message = Verdict.MOVED, f"reviewed at line {same_text[0].line}, now at line {match.line}"
    return _finding(patch, site, anchor, verdict, match.line, message, pins=(pin.tokens,))


def _missing(patch: Patch, site: Site, located: Located, upstream: Upstream) -> Finding:
    anchor = located.anchor
    nearest = f"; nearest: {', '.join(located.candidates)}" if located.candidates else "; nothing similar is there"
    message = f"expected {anchor.shown} once in {anchor.scope}; found {located.problem}{nearest} ({upstream.label})"
    return _finding(
        patch,
        site,
        anchor,
        Verdict.MISSING,
        located.scopes[0] if located.scopes else 0,
        message,
        hint=_hint(patch, site, upstream),
    )


_WHICH_RUNS = {"route": "the earlier one answers", "function": "the later one runs"}


def _scope_twice(patch: Patch, site: Site, located: Located, upstream: Upstream) -> Finding:
    anchor = located.anchor
    lines = ", ".join(f"line {line}" for line in located.scopes)
    there = ", ".join(f"line {match.line}" for match in located.matches) or "none of them"
    message = (
        f"expected {anchor.scope} once, found it {len(located.scopes)} times: {lines} "
        f"({_WHICH_RUNS.get(anchor.scope.kind, 'only one runs')}); {anchor.shown} is at {there} ({upstream.label})"
    )
    return _finding(
        patch, site, anchor, Verdict.AMBIGUOUS, located.scopes[0], message, hint=_hint(patch, site, upstream)
    )


def _ambiguous(patch: Patch, site: Site, located: Located, upstream: Upstream) -> Finding:
    anchor = located.anchor
    lines = ", ".join(f"line {match.line}" for match in located.matches)
    message = (
        f"expected {anchor.shown} once in {anchor.scope}; "
        f"found {len(located.matches)} matches: {lines} ({upstream.label})"
    )
    return _finding(
        patch, site, anchor, Verdict.AMBIGUOUS, located.matches[0].line, message, hint=_hint(patch, site, upstream)
    )


def _unreviewed(patch: Patch, site: Site, anchor: Anchor, match: Match, upstream: Upstream) -> Finding:
    message = (
        f"nobody has reviewed the code around {anchor.shown} in {anchor.scope}: `{match.shown}` ({upstream.label})"
    )
    return _finding(patch, site, anchor, Verdict.UNREVIEWED, match.line, message, hint=pinning(patch, site, upstream))


def pinning(patch: Patch, site: Site, upstream: Upstream) -> str:
    """The command that shows what a pin would stand for."""
    client = " --client" if site.file.startswith("client/") else ""
    spec = f" --upstream {shlex.quote(upstream.spec)}" if upstream.spec else ""
    command = f"sidecar-patcher pin {patch.id}.{site.name}{client}{spec}{_typed(patch)}"
    return f"`{command}` shows the code that is there; read it, then add `--write`"


def _drifted(patch: Patch, site: Site, anchor: Anchor, match: Match, upstream: Upstream) -> Finding:
    reviewed = " or ".join(dict.fromkeys(f"{pin.tokens[:12]}…" for pin in anchor.pins))
    message = (
        f"the code around {anchor.shown} in {anchor.scope} is not what was reviewed: "
        f"expected tokens {reviewed}, found {match.tokens[:12]}…: `{match.shown}` ({upstream.label})"
    )
    return _finding(patch, site, anchor, Verdict.DRIFTED, match.line, message, hint=_hint(patch, site, upstream))


def explained(patch: Patch, upstream: Upstream) -> str:
    """The command that shows a patch and its sites to a person."""
    spec = f" --upstream {shlex.quote(upstream.spec)}" if upstream.spec else ""
    command = f"sidecar-patcher explain {patch.id}{spec}{_typed(patch)}"
    return f"`{command}` shows the code that is there and what to search for"


def _typed(patch: Patch) -> str:
    """What chooses the series of a patch on a command line."""
    return f" {patch.origin.options}" if patch.origin.options else ""


def _hint(patch: Patch, site: Site, upstream: Upstream) -> str:
    explain = explained(patch, upstream)
    repository = repository_of(upstream.spec, upstream.ref)
    if not repository:  # a bump reads history, so it takes a clone
        return explain
    more = f"{' --client' if site.file.startswith('client/') else ''}{_typed(patch)}"
    bump = f"sidecar-patcher bump --upstream {shlex.quote(repository)}{more} --to {shlex.quote(upstream.ref)}"
    return f"`{bump}` says who moved it, and what to accept; {explain}"


def _finding(
    patch: Patch,
    site: Site,
    anchor: Anchor,
    verdict: Verdict,
    line: int,
    message: str,
    *,
    hint: str = "",
    pins: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        patch=patch.id,
        file=site.file_of(anchor),
        verdict=verdict,
        line=line,
        scope=str(anchor.scope),
        message=message,
        hint=hint,
        pins=pins,
        site=f"{patch.id}.{site.name}",
    )
