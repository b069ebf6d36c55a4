"""Locate, verify, render and splice, layer by layer: everything between reading upstream and the gates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from patcher import splice as splicing
from patcher.existing import Recordings, Stripped, judge_overlay, judge_payloads, strip
from patcher.javascript import JAVASCRIPT, language_of
from patcher.layers import layers_of
from patcher.locate import locate, refuse_other_kinds
from patcher.markers import sites_in
from patcher.model import (
    NOT_NEEDED,
    SEVERITY,
    Anchor,
    Build,
    File,
    Finding,
    Layer,
    Line,
    Located,
    Patch,
    Site,
    SiteResult,
    Splice,
    Tree,
    Upstream,
    Verdict,
    version_of,
)
from patcher.render import blamed_on, payload_of, portable_text, render
from patcher.resources import CODEX
from patcher.upstream.text import decode
from patcher.verify import explained, pinning, verify


def apply_series(upstream: Upstream, series: Sequence[Patch], recorded: Recordings = MappingProxyType({})) -> Build:
    """Apply the whole series to an upstream tree, in memory. Collects all findings, not only the first.

    recorded: payloads without markers that an earlier build left in the tree, where no manifest in it lists them.

    Raises `SeriesError`, `FileKindUnsupported`, `NotUtf8`, `OverlappingSplices`.
    """
    state = _State.of(upstream, series, recorded)
    for layer in layers_of(series):
        state = _apply_layer(state, layer)
    state.others += judge_payloads(state.stripped, state.texts, series, state.layers)
    build = Build(
        upstream=state.stripped.pristine,
        findings=tuple(_one_per_patch(state, series)),
        sites=tuple(state.sites),
        others=tuple(state.others),
        layers=tuple(state.layers),
        added=state.added,
        payloads=state.payloads,
        portable=state.portable,
        notes=(*upstream.notes, *_notes(state)),
    )
    return build if build.stopped else replace(build, tree=_result(state), plain=_plain(state))


@dataclass
class _State:
    """The result of the layers so far. `texts`: the files that were decoded, in their current form."""

    given: Upstream
    stripped: Stripped
    others: list[Finding]
    texts: dict[str, str] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    added: dict[str, File] = field(default_factory=dict)
    payloads: dict[str, str] = field(default_factory=dict)
    portable: dict[str, str] = field(default_factory=dict)
    sites: list[SiteResult] = field(default_factory=list)
    left_out: list[Site] = field(default_factory=list)
    series: Sequence[Patch] = ()

    @classmethod
    def of(cls, upstream: Upstream, series: Sequence[Patch], recorded: Recordings) -> "_State":
        refuse_other_kinds(upstream, series)
        stripped = strip(upstream, series, recorded)
        return cls(upstream, stripped, list(stripped.findings), series=tuple(series))

    def required_by(self, patch: str) -> set[str]:
        """The ids of all patches that a patch requires, directly or indirectly."""
        requires = {each.id: each.requires for each in self.series}
        found: set[str] = set()
        wanted = [patch]
        while wanted:
            new = set(requires[wanted.pop()]) - found
            found |= new
            wanted += new
        return found

    def text(self, path: str) -> str | None:
        """The current text of a file, or None where the tree does not have it."""
        if path not in self.texts:
            file = self.stripped.pristine.tree.get(path)
            if file is None:
                return None
            self.texts[path] = decode(file, path)
        return self.texts[path]

    def findings(self, patch: str) -> list[Finding]:
        """The findings on a patch: those on its sites, then the others."""
        found = (*(each.finding for each in self.sites), *self.others)
        return [each for each in found if each.patch == patch]

    def excluded(self, patch: str) -> Finding | None:
        """Why a patch was not applied: an anchor stopped it, or upstream supersedes it. None where it was applied."""
        own = self.findings(patch)
        return next((each for each in own if each.verdict.stops or each.verdict is Verdict.SUPERSEDED), None)


def _notes(state: _State) -> Iterator[str]:
    """Notes on an upstream whose version number is missing, or does not match the line that its code is of."""
    version, line = state.given.version, state.given.line
    number = version_of(version)
    if number is None:
        declared = f"the version {version!r}, which is not one" if version else "no version"
        yield f"package.json has {declared}: the code decides, and it is of the {line} line"
        for site in state.left_out:
            yield f"{site.id} is left out: upstream has its code since {site.since}, and it is not there"
    elif (number.major > 1) != (line is Line.V2):
        yield f"package.json says {version}, and the code is of the {line} line: the code decides"


def _apply_layer(state: _State, layer: tuple[Patch, ...]) -> _State:
    splices: dict[str, list[Splice]] = {}
    for patch in layer:
        for splice, path in _splices_of(state, patch):
            splices.setdefault(path, []).append(splice)
    for path, found in splices.items():
        before = state.texts[path]
        after = splicing.apply(before, found, path)
        state.layers.append(Layer(path, before, tuple(found), after))
        state.texts[path] = after
    return state


def _splices_of(state: _State, patch: Patch) -> Iterator[tuple[Splice, str]]:
    line = state.given.line
    if patch.is_superseded_in(state.stripped.pristine):
        message = f"upstream {state.given.version} does this itself ({line} line): {patch.superseded_by}"
        state.others.append(Finding(patch.id, patch.file, Verdict.SUPERSEDED, message=message))
        return
    if not patch.sites_for(line) and not patch.overlays_for(line):
        message = f"{NOT_NEEDED}: the {line} line has nothing of what it changes"
        state.others.append(Finding(patch.id, patch.file, Verdict.SUPERSEDED, message=message))
        return
    made = []
    for site in patch.sites_for(line):
        found = _best_anchor(state, patch, site)
        if found.finding.verdict is Verdict.MISSING and not site.is_required_in(state.given.version):
            state.left_out.append(site)
            continue
        if found.finding.verdict is Verdict.MISSING:
            found = _try_anchor(state, patch, site, found.located.anchor, similar=True)
        if found.stops:
            finding = _blame_requirement(state, patch, _blame_payload(state, patch, found))
            found = replace(found, finding=finding)
        else:
            made.append((_splice(state, found), found.finding.file))
        state.sites.append(found)
    if not any(each.verdict.stops for each in state.findings(patch.id)):
        _add_overlays(state, patch)
        yield from made


def _best_anchor(state: _State, patch: Patch, site: Site) -> SiteResult:
    """The result of the anchor that fits; where none fits, the least severe one, of equals the newest anchor's.

    Two anchors that fit different code make the site ambiguous.
    """
    tried = [_try_anchor(state, patch, site, anchor) for anchor in site.anchors]
    fits = [each for each in tried if not each.stops]
    best = fits[0] if fits else min(reversed(tried), key=lambda each: SEVERITY[each.finding.verdict])
    lines = {(each.finding.file, each.located.matches[0].line) for each in fits}
    if len(lines) < 2:
        return best
    found = " and ".join(f"{file}:{line}" for file, line in sorted(lines))
    message = f"expected one anchor to fit, found {len(fits)} that fit different code: {found} ({state.given.label})"
    hint = explained(patch, state.given)
    return replace(best, finding=replace(best.finding, verdict=Verdict.AMBIGUOUS, message=message, hint=hint, pins=()))


def _try_anchor(state: _State, patch: Patch, site: Site, anchor: Anchor, *, similar: bool = False) -> SiteResult:
    file = site.file_of(anchor)
    text = state.text(file)
    if text is None:
        located = Located(anchor, (), problem=f"no {file} in the tree")
    else:
        located = locate(text, anchor, language_of(file), similar=similar)
        located = splicing.in_upstream_lines(state.layers, file, text, located)
    return SiteResult(site, verify(patch, site, located, state.given), located, text or "")


def _splice(state: _State, result: SiteResult) -> Splice:
    site, file, match = result.site, result.finding.file, result.located.matches[0]
    language = language_of(file)
    name = f"{file} ({site.id})"
    payload = payload_of(site, result.text[match.start : match.end])
    state.payloads[name] = payload
    splice = splicing.make_splice(result.text, site, match, payload, language)
    if language == JAVASCRIPT and not splice.part:  # code to compile, or less than a statement, cannot be parsed alone
        state.portable[name] = portable_text(site)
    return replace(splice, scope=result.located.anchor.scope)


def _blame_payload(state: _State, patch: Patch, result: SiteResult) -> Finding:
    """The finding, with the reason added where it drifted only because of an earlier layer's payload in its window.

    The hint then names the missing `requires`.
    """
    finding = result.finding
    if finding.verdict is not Verdict.DRIFTED:
        return finding
    match = result.located.matches[0]
    inside = {name.rpartition(".")[0] for name in sites_in(result.text[match.window_start : match.window_end])}
    order = [each.id for each in state.series]
    guilty = next((each for each in order if each in inside - state.required_by(patch.id)), None)
    if guilty is None:
        return finding
    first, second = sorted((patch.id, guilty), key=order.index)
    owner = {each.id: each.origin.series for each in state.series}
    if owner[second] == CODEX != owner[first]:  # the author of `first` cannot change our patches
        hint = f'write `requires=("{second}",)` in {first}, and name `--series {CODEX}` before its series'
    else:
        hint = f'write `requires=("{first}",)` in {second}, so that it goes in after {first}'
        hint += f"; then {pinning(patch, result.site, state.given)}" if second == patch.id else ""
    return replace(finding, message=f"{finding.message}; the payload of {guilty} is in its window", hint=hint)


def _blame_requirement(state: _State, patch: Patch, finding: Finding) -> Finding:
    """The finding, with the reason added where the missing code is that of a required patch that was not applied."""
    if finding.verdict is not Verdict.MISSING:
        return finding
    required = [found for name in patch.requires if (found := state.excluded(name)) is not None]
    guilty = next((found for found in required if found.file == finding.file), None)
    if guilty is None:
        return finding
    if guilty.verdict is not Verdict.SUPERSEDED:
        return replace(finding, message=f"{finding.message}; {guilty.patch}, which it requires, did not go in")
    line = state.given.line
    return replace(
        finding,
        message=f"{finding.message}; {guilty.patch}, which it requires, is superseded on the {line} line",
        hint=f"give `patcher/patches/{patch.id}.py` an anchor of its own for the {line} line, or declare it superseded",
    )


def _add_overlays(state: _State, patch: Patch) -> None:
    for overlay in patch.overlays_for(state.given.line):
        with blamed_on(f"{patch.id}, {overlay.path}"):
            text = render(overlay.template, overlay.templates, **overlay.params)
        file = File(text.encode(), overlay.executable)
        state.added[overlay.path] = file
        if overlay.portable:
            state.portable[overlay.path] = file.data.decode()
        found = judge_overlay(state.stripped, patch, overlay, file)
        state.others += [found] if found else []


def _one_per_patch(state: _State, series: Sequence[Patch]) -> Iterator[Finding]:
    """One finding for each patch, with the most severe verdict of its sites and files."""
    named = {patch.id for patch in series}
    yield from (finding for finding in state.others if finding.patch not in named)
    for patch in series:
        own = state.findings(patch.id)
        applied = [finding for finding in own if finding.verdict is Verdict.APPLIED]
        sites = sum(each.site.patch == patch.id for each in state.sites)
        is_applied = len(applied) == sites + len(patch.overlays_for(state.given.line)) > 0
        judged = [
            finding for finding in own if (finding.verdict is Verdict.APPLIED) == is_applied or finding.verdict.stops
        ]
        judged = judged or [Finding(patch.id, patch.file, Verdict.EXACT)]  # it has no sites, only files of ours
        worst = max(judged, key=lambda finding: SEVERITY[finding.verdict])
        yield replace(worst, pins=tuple(pin for each in own for pin in each.pins))


def _plain(state: _State) -> Tree:
    """The patched tree without markers."""
    tree = dict(state.stripped.pristine.tree)
    for path in {layer.file for layer in state.layers}:
        layers = [layer for layer in state.layers if layer.file == path]
        tree[path] = replace(tree[path], data=splicing.plain(layers).encode())
    return {**tree, **state.added}


def _result(state: _State) -> Tree:
    tree = dict(state.stripped.pristine.tree)
    for path, text in state.texts.items():
        tree[path] = replace(tree[path], data=text.encode())
    return {**tree, **state.added}
