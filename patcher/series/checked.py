"""Checks of a loaded series beyond the types of its fields: names, patterns, templates, contracts."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from patcher import javascript
from patcher.errors import SeriesError, TemplateUnusable
from patcher.errors.text import did_you_mean
from patcher.generated import RUNTIME
from patcher.javascript import ENDINGS
from patcher.markers import SITE_NAME
from patcher.model import Anchor, Overlay, Patch, Position, Series, Site
from patcher.resources import MANIFEST
from patcher.series import shape
from patcher.series.patterns import problem_of

_ITEM = ("list", "item", "header", "pieces")
NAME = re.compile(r"[a-z][a-z0-9_-]*")


def refuse_wrong(series: Series, where: str) -> None:
    """Raises `SeriesError` for the first problem. where: the file, for messages."""
    for place, problem in shape.problems(series):
        raise SeriesError(
            f"{place}: {problem}", where=where, hint="`patcher/patches/README.md` has a declaration in full"
        )
    for message, hint in _names(series):
        raise SeriesError(message, where=where, hint=hint)


def refuse_bad_sites(series: Series) -> None:
    """Raises `SeriesError` for a pattern that is not code, `TemplateUnusable` for a missing template."""
    for patch in series.patches_for(client=True):
        for site in patch.sites:
            for anchor in site.anchors:
                _refuse_bad_anchor(patch, site, anchor)
            if site.position is not Position.DELETE:
                refuse_bad_template(patch, site.id, site)
        for overlay in patch.overlays:
            _refuse_bad_path(patch, overlay)
            refuse_bad_template(patch, f"{patch.id}, {overlay.path}", overlay)


def _names(series: Series) -> Iterator[tuple[str, str]]:
    patches = series.patches_for(client=True)
    if not NAME.fullmatch(series.name):
        yield (
            f"expected a name of small letters, digits, `-` and `_`, found {series.name!r}",
            "it is the first word of `Series(…)`",
        )
    for patch in patches:
        if not NAME.fullmatch(patch.id):
            yield (
                f"expected the id of a patch in small letters, digits and `_`, found {patch.id!r}",
                "name it after its effect",
            )
    for name in _twice(patch.id for patch in patches):
        yield f"the patch {name} is there twice", "take one out of `patches`, or give it an id of its own"
    for patch in patches:
        yield from _sites(patch)
    for patch in series.patches:
        for path in [*(site.file for site in patch.sites), *(overlay.path for overlay in patch.overlays)]:
            if path.startswith("client/"):
                hint = "list the patch in `client_patches`, which go in with `--client`"
                yield f"{patch.id}: {path} is one of the client's sources, which travel with `--client` only", hint
    yield from _contracts(series)


def _sites(patch: Patch) -> Iterator[tuple[str, str]]:
    if not patch.sites and not patch.overlays:
        yield (
            f"{patch.id} changes nothing: it has no site and no overlay",
            "give it one, or take it out of `patches`",
        )
    for site in patch.sites:
        if not SITE_NAME.fullmatch(site.name):
            yield (
                f"{site.id}: expected a name of small letters, digits and `_`, found {site.name!r}",
                "name the site",
            )
        if not site.anchors:
            yield f"{site.id} has no anchor", "write `anchors=(Anchor(scope=…, pattern=…),)`"
    for name in _twice(site.id for site in patch.sites):
        yield f"the site {name} is there twice", "give each site of a patch a name of its own"


def _contracts(series: Series) -> Iterator[tuple[str, str]]:
    contracts = [*series.contracts, *series.client_contracts]
    known, patches = {each.id for each in contracts}, {patch.id for patch in series.patches_for(client=True)}
    for name in _twice(each.id for each in contracts):
        yield f"the contract {name} is there twice", "give each contract an id of its own"
    for patch in series.patches_for(client=True):
        for name in patch.contracts:
            if name not in known:
                meant = did_you_mean(name, known, "; ")
                yield (
                    f"{patch.id} names the contract {name}, which `contracts` does not have{meant}",
                    "list it in `Series(…, contracts=(…))`",
                )
    for contract in contracts:
        if contract.patches and not patches.intersection(contract.patches):
            named = ", ".join(contract.patches)
            meant = did_you_mean(named, patches, "; ")
            yield (
                f"the contract {contract.id} is of {named}, and the series has no such patch{meant}",
                "name the patches that it proves in its `patches`",
            )


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _refuse_bad_anchor(patch: Patch, site: Site, anchor: Anchor) -> None:
    language = javascript.language_of(site.file_of(anchor))
    if not site.file_of(anchor).endswith(tuple(ENDINGS)):
        return  # `locate` reports another kind of file
    if not anchor.pattern and (anchor.scope.kind == "file" or any(getattr(anchor, each, None) for each in _ITEM)):
        return  # an item of a list, or the whole file
    for name, pattern in (("pattern", anchor.pattern), *([("target", anchor.target)] if anchor.target else [])):
        problem = problem_of(pattern, language)
        if problem:
            raise SeriesError(f"{site.id}: `{name}`: {problem.found}", where=patch.origin.source, hint=problem.hint)


def _refuse_bad_path(patch: Patch, overlay: Overlay) -> None:
    parts = overlay.path.split("/")
    reserved = overlay.path.casefold() == MANIFEST or parts[0] in RUNTIME
    if {"", ".", ".."}.intersection(parts) or "\\" in overlay.path or "\0" in overlay.path or reserved:
        message = f"{patch.id}: expected the path of an overlay in the tree, found {overlay.path!r}"
        raise SeriesError(
            message, where=patch.origin.source, hint="write it with `/`, from the root of upstream's tree"
        )


def refuse_bad_template(patch: Patch, place: str, of: Site | Overlay) -> None:
    """Raises `TemplateUnusable` for a template that is not a file of its series' own folder."""
    root, name = patch.origin.templates, of.template
    if isinstance(of, Site) and not name and of.position == "delete":
        return
    path = os.path.normpath(os.path.join(root, *name.split("/")))
    if not name or os.path.isabs(name) or not _is_inside(path, root):
        message = f"{place} names a template outside of its series: {name!r}"
        raise TemplateUnusable(message, where=patch.origin.source, hint=f"templates are in {root}")
    if os.path.isfile(path) and not _is_inside(os.path.realpath(path), os.path.realpath(root)):
        message = f"{place}: {name} is a link to {os.path.realpath(path)}, outside of its series"
        raise TemplateUnusable(message, where=path, hint="put the file itself there")
    if not os.path.isfile(path):
        message = f"{place}: there is no template {name}{did_you_mean(name, _templates(root), '; ')}"
        raise TemplateUnusable(message, where=patch.origin.source, hint=f"write {path}")


def _is_inside(path: str, root: str) -> bool:
    return path.startswith(os.path.join(root, ""))


def _templates(root: str) -> list[str]:
    return [
        os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
        for folder, _, names in os.walk(root)
        for name in names
    ]
