"""Write the result of `bump` and `pin`: anchors into the declarations, then pins into the record of the reviews.

Pins are written last. After a kill in between, the new anchors have no pins, so a build stops; the next run completes
them.
"""

import ast
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from patcher.bump.files import Files, text_of, write
from patcher.bump.model import Bump, Candidate, Kind, SiteReport
from patcher.bump.revisions import extended, named_refs, newest_version
from patcher.bump.trial import new_anchor
from patcher.errors import DeclarationsReadOnly, DeclarationUnclear
from patcher.model import Anchor, Patch, Pin, Scope, Series, Upstream, version_key
from patcher.patches import pins as records
from patcher.resources import CODEX, PACKAGE
from patcher.upstream.spec import BUILTIN

FOLDER = os.path.join(PACKAGE, "patches")
_INSTALLED = os.path.join(PACKAGE, "_data")

_PACKAGES = frozenset({"site-packages", "dist-packages"})


def refuse_unless_writable(series: Sequence[Series]) -> None:
    """Raises `DeclarationsReadOnly` where none of these series can be written."""
    refused = [error for each in series if (error := _read_only(each))]
    if refused and len(refused) == len(series):
        raise refused[-1]


def _read_only(series: Series) -> DeclarationsReadOnly | None:
    """The error of a series that cannot be written; None for one that can."""
    if series.name == CODEX:
        return _ours_read_only(series.home)
    hint = f"name the directory that {series.name} is written in, and make it writable"
    if _PACKAGES.intersection(os.path.realpath(series.home).split(os.sep)):
        return DeclarationsReadOnly("this series is an installed package", where=series.home, hint=hint)
    if not os.access(series.home, os.W_OK):
        return DeclarationsReadOnly("this directory cannot be written", where=series.home, hint=hint)
    return None


def _ours_read_only(folder: str) -> DeclarationsReadOnly | None:
    hint = "run it in a checkout of sidecar-patcher: `python3 .dev run sidecar-patcher bump …`"
    root = os.path.dirname(os.path.dirname(folder))
    if os.path.isdir(_INSTALLED) or not os.path.isfile(os.path.join(root, "pyproject.toml")):
        message = "the declarations are part of an installed sidecar-patcher; `--write` changes a checkout"
        return DeclarationsReadOnly(message, where=folder, hint=hint)
    if not os.access(folder, os.W_OK):
        return DeclarationsReadOnly("this directory cannot be written", where=folder, hint=hint)
    return None


def changed(bump: Bump, series: Sequence[Series]) -> dict[str, Files]:
    """The files that a bump changes, by the directory of their series.

    A series that cannot be written is skipped, unless a candidate for one of its sites was accepted.
    Raises `DeclarationsReadOnly`, `PinsUnreadable`, and `DeclarationUnclear`, also where the new declaration would not
    be the one that was proven.
    """
    chosen = {each.id: each.candidate(bump.chosen.get(each.id)) for each in bump.sites}
    found = {}
    for each in series:
        read_only = _read_only(each)
        ids = {patch.id for patch in each.patches_for(client=True)}
        if read_only and any(chosen[site.id] for site in bump.sites if site.patch in ids):
            raise read_only
        files = {} if read_only else _changed(bump, chosen, each, ids)
        if files:
            found[each.home] = files
    return found


def _changed(bump: Bump, chosen: Mapping[str, Candidate | None], series: Series, ids: Collection[str]) -> Files:
    files: dict[str, tuple[str, str]] = {}
    sites = [each for each in bump.sites if each.patch in ids]
    for patch in dict.fromkeys(each.patch for each in sites):
        made = next(each for each in bump.series if each.id == patch)
        where = made.origin.source
        name = os.path.relpath(where, series.home)
        old, now = files.get(name) or (text_of(series.home, name),) * 2
        accepted = ((each.site, chosen[each.id]) for each in sites if each.patch == patch)
        added = {site.name: new_anchor(site, one) for site, one in accepted if one and one.kind is not Kind.PIN}
        new = with_anchors(now, added, where) if added else now
        _expect(new, made)
        files[name] = old, new
    old, pins = _pins(series.pins, series)
    pins |= {each.id: _reviewed(bump, each, chosen[each.id], pins.get(each.id, ())) for each in sites}
    new = records.written(pins) if old or any(pins.values()) else ""  # no file for no pins
    files[os.path.relpath(series.pins, series.home)] = old, new
    return {name: (old, new) for name, (old, new) in files.items() if old != new}


def _pins(path: str, series: Series) -> tuple[str, dict[str, Sequence[Pin]]]:
    """The text of a record, empty without a file, and the pins in it by site, in the order of the series."""
    old = text_of(*os.path.split(path)) if os.path.lexists(path) else ""
    known = [site.id for patch in series.patches_for(client=True) for site in patch.sites]
    pins = records.parsed(old, known, path) if old else {}
    return old, {site: pins.get(site, ()) for site in known}


def _reviewed(bump: Bump, report: SiteReport, accepted: Candidate | None, pins: Sequence[Pin]) -> Sequence[Pin]:
    """The pins with the one of the accepted candidate added, or with the new version in the one that is met."""
    if accepted is not None:
        return (*pins, replace(accepted.anchor.pins[-1], reviewed=_reviewed_for(bump)))
    return pins if report.stops else _extended(bump, report, pins)


def unrecorded(bump: Bump) -> bool:
    """Whether `--write` would record a review of a fitting site for the new version."""
    return any(_extended(bump, each, each.site.pins) != each.site.pins for each in bump.sites if not each.stops)


def _extended(bump: Bump, report: SiteReport, pins: Sequence[Pin]) -> tuple[Pin, ...]:
    """The pins with the new version in the one that is met: its code has now been reviewed up to this version."""
    ref = _reviewed_for(bump)
    met = next((each for each in pins if each.tokens in report.finding.pins and named_refs(each.reviewed)), None)
    # a range of versions can only end at a version tag
    if met is None or ref != bump.until.ref or newest_version(met.reviewed) >= version_key(ref):
        return tuple(pins)
    gaps = bump.gaps(report.id, named_refs(met.reviewed)[-1], met.tokens)
    more = replace(met, reviewed=extended(met.reviewed, ref, gaps))
    return tuple(more if each is met else each for each in pins)


def _reviewed_for(bump: Bump) -> str:
    """`v1.5.0`; for a ref that is not a version tag, `v1.4.8 at 0123456789ab`."""
    ref, version = bump.until.ref, bump.until.upstream.version
    return ref if named_refs(ref) == [ref] else f"v{version} at {bump.until.commit[:12]}"


def add_pins(upstream: Upstream, series: Sequence[Series], made: Mapping[str, Pin]) -> list[str]:
    """Add a pin for each of these sites to the record of its series for this upstream. Returns the paths, for messages.

    Raises `DeclarationsReadOnly` before anything is written.
    """
    owned = {each.name: _of(each, made) for each in series}
    owners = [each for each in series if owned[each.name]]
    for each in owners:
        refuse_unless_writable([each])
    written = []
    for each in owners:
        path = each.builtin_pins if upstream.ref == BUILTIN else each.pins
        folder, name = os.path.split(path)
        old, pins = _pins(path, each)
        more = {site: (*pins.get(site, ()), pin) for site, pin in owned[each.name].items()}
        write({name: (old, records.written({**pins, **more}))}, folder)
        written.append(shown(each.home, path))
    return written


def _of(series: Series, made: Mapping[str, Pin]) -> dict[str, Pin]:
    ids = {site.id for patch in series.patches_for(client=True) for site in patch.sites}
    return {site: pin for site, pin in made.items() if site in ids}


def shown(home: str, path: str) -> str:
    """The path of a written file for messages: relative to our repository, or else to the working directory."""
    found = os.path.relpath(path, os.path.dirname(PACKAGE) if home == FOLDER else os.curdir)
    return (path if found.startswith(os.pardir) else found).replace(os.sep, "/")


def _expect(source: str, patch: Patch) -> None:
    """Raises `DeclarationUnclear` unless the new source declares the proven patch, apart from its pins."""
    where = patch.origin.source
    module = next((name for name, each in sys.modules.items() if getattr(each, "__file__", None) == where), "")
    names: dict[str, object] = {"__name__": module, "__package__": module.rpartition(".")[0], "__file__": where}
    exec(compile(source, where, "exec"), names)  # noqa: S102 - the module of a series, with another anchor
    made = [each for each in names.values() if isinstance(each, Patch) and each.id == patch.id]
    if made != [records.with_pins(patch, ())]:
        hint = "this is a bug of ours; nothing was written"
        raise DeclarationUnclear("what would be written is not what was proven", where=where, hint=hint)


# --- anchors in the source of a declaration ----------------------------------------------------------------------


def with_anchors(source: str, added: Mapping[str, Anchor], where: str) -> str:
    """The source of a declaration with a new last anchor for each of these sites. added: by the name of the site.

    Raises `DeclarationUnclear` where the site or its anchors are not literals in the layout of the formatter.
    """
    lines, tree = source.split("\n"), ast.parse(source)
    kinds = {"MODULE" if anchor.scope.kind == "module" else anchor.scope.kind for anchor in added.values()}
    edits = [_insertion(tree, site, anchor, lines, where) for site, anchor in added.items()]
    for start, end, new in sorted([*edits, *_imports(tree, kinds)], reverse=True):
        lines[start:end] = new
    return "\n".join(lines)


_LineEdit = tuple[int, int, list[str]]
"""Lines in place of `[start, end)`, from 0."""


def _insertion(tree: ast.Module, site: str, anchor: Anchor, lines: Sequence[str], where: str) -> _LineEdit:
    """The insertion of the anchor after the last one of the site. Anchors on one line get a line each."""

    def unclear(found: str) -> DeclarationUnclear:
        hint = "`bump --format json` has the anchor: put it in by hand"
        return DeclarationUnclear(f"expected anchors that are written out, found {found}", where=where, hint=hint)

    def calls(call: ast.Call, keyword: str) -> list[ast.Call]:
        value = next((each.value for each in call.keywords if each.arg == keyword), None)
        if not isinstance(value, ast.Tuple):
            raise unclear(f"`{keyword}` that is not a tuple written out")
        return [each for each in value.elts if isinstance(each, ast.Call)]

    patches = (
        each.value for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "PATCH"
    )
    patch = next((each for each in patches if isinstance(each, ast.Call)), None)
    if patch is None:
        raise unclear("no `PATCH = Patch(…)`")
    sites = calls(patch, "sites")
    named = {ast.unparse(word.value): each for each in sites for word in each.keywords if word.arg == "name"}
    if repr(site) not in named:
        raise unclear(f"no site `{site}` written out")
    anchors = calls(named[repr(site)], "anchors")
    if not anchors:
        raise unclear("a site without an anchor")
    last, end = anchors[-1], anchors[-1].end_lineno or anchors[-1].lineno
    line, rest = lines[last.lineno - 1], lines[end - 1].encode()[last.end_col_offset :].strip()
    indent = line[: len(line) - len(line.lstrip())]
    if rest == b"," and len(indent) == last.col_offset:
        return end, end, [f"{indent}{text}" for text in _anchor_source(anchor)]
    if rest in {b",),", b"),"} and end == last.lineno and line.startswith(f"{indent}anchors=("):
        there = [line.encode()[each.col_offset : each.end_col_offset].decode() + "," for each in anchors]
        inner = [f"{indent}{_STEP}{text}" for text in (*there, *_anchor_source(anchor))]
        return end - 1, end, [f"{indent}anchors=(", *inner, f"{indent}),"]
    raise unclear("a call that does not begin its line, or does not end it with a comma")


def _imports(tree: ast.Module, kinds: set[str]) -> Iterator[_LineEdit]:
    """The import of `patcher.model` with the scope kinds that the new anchors need, sorted as ruff sorts."""
    for each in tree.body:
        if isinstance(each, ast.ImportFrom) and each.module == "patcher.model":
            names = {alias.name for alias in each.names}
            if kinds - names:
                listed = sorted(names | kinds, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
                text = f"from patcher.model import {', '.join(listed)}"
                yield each.lineno - 1, each.end_lineno or each.lineno, [text]


_STEP = "    "
_WIDTH = 100
"""Columns for an argument of an anchor: 120, of which 20 are indentation."""


def _anchor_source(anchor: Anchor) -> list[str]:
    """The lines of an anchor, in the layout of the formatter."""
    inner = [f"scope={_scope_source(anchor.scope)},"]
    for name in ("pattern", "target", "containing"):
        inner += _text_source(name, getattr(anchor, name))
    inner += [f"{name}={value}," for name in ("before", "after") if (value := getattr(anchor, name))]
    inner += [f"file={_quoted(anchor.file)},"] if anchor.file else []
    return ["Anchor(", *(f"{_STEP}{line}" for line in inner), "),"]


def _text_source(name: str, text: str) -> list[str]:
    """The lines of a text argument: one, or parentheses around as many string literals as needed."""
    if not text or len(_quoted(text)) <= _WIDTH - len(f"{name}=,"):
        return [f"{name}={_quoted(text)},"] if text else []
    pieces, rest = [], text
    while len(_quoted(rest)) > _WIDTH - len(_STEP):
        end = rest.rfind(" ", 1, _WIDTH - 2 * len(_STEP) - rest.count("\\", 0, _WIDTH)) + 1 or _WIDTH - 40
        pieces.append(rest[:end])
        rest = rest[end:]
    return [f"{name}=(", *(f"{_STEP}{_quoted(piece)}" for piece in [*pieces, rest]), "),"]


def _scope_source(scope: Scope) -> str:
    if scope.kind == "module":
        return "MODULE"
    if scope.kind == "route":
        verb, _, path = scope.name.partition(" ")
        return f"route({_quoted(verb)}, {_quoted(path)})"
    return f"function({_quoted(scope.name)})"


def _quoted(text: str) -> str:
    """A string literal as the formatter writes it: double quotes, unless single ones take fewer escapes."""
    escaped = text.replace("\\", "\\\\")
    if text.count('"') > text.count("'"):
        return "'" + escaped.replace("'", "\\'") + "'"
    return '"' + escaped.replace('"', '\\"') + '"'
