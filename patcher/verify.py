"""Stage 3: compare matches with pins; a verdict, its message and its hint."""

import shlex

from patcher.model import Anchor, Finding, Located, Match, Patch, Site, Upstream, Verdict
from patcher.upstream.spec import repository_of

_WHICH_RUNS = {"route": "the earlier one answers", "function": "the later one runs"}


def verify(patch: Patch, site: Site, located: Located, upstream: Upstream) -> Finding:
    """The verdict on what `locate` found for one anchor of a site.

    A scope that is there twice is always ambiguous: which one runs does not depend on where the pattern matches.
    """
    verdict, line, message = _judge(located)
    hint = ""
    if verdict.stops:
        message = f"{message} ({upstream.label})"
        hint = (pinning if verdict is Verdict.UNREVIEWED else _hint)(patch, site, upstream)
    return Finding(
        patch=patch.id,
        file=site.file_of(located.anchor),
        verdict=verdict,
        line=line,
        scope=str(located.anchor.scope),
        message=message,
        hint=hint,
        pins=() if verdict.stops else (located.matches[0].tokens,),
        site=f"{patch.id}.{site.name}",
    )


def _judge(located: Located) -> tuple[Verdict, int, str]:
    """Verdict, line and message; the line is 0 where there is none."""
    anchor, scopes, matches = located.anchor, located.scopes, located.matches
    at = ", ".join(f"line {match.line}" for match in matches)
    if len(scopes) > 1:
        lines = ", ".join(f"line {line}" for line in scopes)
        runs = _WHICH_RUNS.get(anchor.scope.kind, "only one runs")
        message = f"expected {anchor.scope} once, found it {len(scopes)} times: {lines} ({runs}); "
        return Verdict.AMBIGUOUS, scopes[0], f"{message}{anchor.shown} is at {at or 'none of them'}"
    expected = f"expected {anchor.shown} once in {anchor.scope}; found"
    if not matches:
        near = ", ".join(map(str, located.candidates))
        nearest = f"nearest: {near}" if near else "nothing similar is there"
        lines = " and ".join(f"line {line}" for line in located.without_target)
        problem = f"the pattern at {lines}, and no such target in it" if lines else located.problem
        return Verdict.MISSING, scopes[0] if scopes else 0, f"{expected} {problem}; {nearest}"
    if len(matches) > 1:
        return Verdict.AMBIGUOUS, matches[0].line, f"{expected} {len(matches)} matches: {at}"
    return _judge_match(anchor, matches[0])


def _judge_match(anchor: Anchor, match: Match) -> tuple[Verdict, int, str]:
    what = f"{anchor.shown} in {anchor.scope}"
    if not anchor.pins:
        return Verdict.UNREVIEWED, match.line, f"nobody has reviewed the code around {what}: `{match.shown}`"
    same_tokens = [pin for pin in anchor.pins if pin.tokens == match.tokens]
    if not same_tokens:
        reviewed = " or ".join(dict.fromkeys(f"{pin.tokens[:12]}…" for pin in anchor.pins))
        message = f"the code around {what} is not what was reviewed: expected tokens {reviewed}, "
        return Verdict.DRIFTED, match.line, f"{message}found {match.tokens[:12]}…: `{match.shown}`"
    lines = [pin.line for pin in same_tokens if pin.text == match.text]
    if not lines:
        return Verdict.REFORMATTED, match.line, "the same tokens as reviewed, laid out differently"
    if match.line in lines:
        return Verdict.EXACT, match.line, ""
    return Verdict.MOVED, match.line, f"reviewed at line {lines[0]}, now at line {match.line}"


def pinning(patch: Patch, site: Site, upstream: Upstream) -> str:
    """The hint with the command that shows the code that a pin would record."""
    client = " --client" if site.file.startswith("client/") else ""
    spec = f" --upstream {shlex.quote(upstream.spec)}" if upstream.spec else ""
    command = f"sidecar-patcher pin {patch.id}.{site.name}{client}{spec}{_series_options(patch)}"
    return f"`{command}` shows the code that is there; read it, then add `--write`"


def explained(patch: Patch, upstream: Upstream) -> str:
    """The hint with the command that shows a patch and its sites."""
    spec = f" --upstream {shlex.quote(upstream.spec)}" if upstream.spec else ""
    command = f"sidecar-patcher explain {patch.id}{spec}{_series_options(patch)}"
    return f"`{command}` shows the code that is there and what to search for"


def _series_options(patch: Patch) -> str:
    """The options that choose the series of a patch, with a space before them."""
    return f" {patch.origin.options}" if patch.origin.options else ""


def _hint(patch: Patch, site: Site, upstream: Upstream) -> str:
    explain = explained(patch, upstream)
    repository = repository_of(upstream.spec, upstream.ref)
    if not repository:  # `bump` needs a clone, for its history
        return explain
    more = f"{' --client' if site.file.startswith('client/') else ''}{_series_options(patch)}"
    bump = f"sidecar-patcher bump --upstream {shlex.quote(repository)}{more} --to {shlex.quote(upstream.ref)}"
    return f"`{bump}` shows which commit changed it, and what to accept; {explain}"
