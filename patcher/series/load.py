"""A series from its directory, and all of those that a command line names."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

from patcher.errors import NoSuchSeries, SeriesError, TemplateUnusable
from patcher.model import Line, Origin, Patch, Series
from patcher.patches import declaration
from patcher.patches import pins as records
from patcher.series.where import CODEX, ENTRY, PINS, TEMPLATES, digest_of, directory_of, files_of, is_ours, is_series


def load(word: str) -> Series:
    """The series that a word names: `codex`, which is ours, a directory, or an importable package. Runs its Python.

    Raises `NoSuchSeries`, `SeriesNotLoaded`, `SeriesError`, `TemplateUnusable`, `PinsUnreadable`.
    """
    if word == CODEX:
        from patcher.series.codex import codex

        return codex()
    directory = directory_of(word)
    if directory is None:
        hint = "name a directory with a `series.py` in it; `sidecar-patcher series new DIR` makes one"
        raise NoSuchSeries("expected a series, found no such directory and no such package", where=word, hint=hint)
    if not is_series(directory):
        hint = "`sidecar-patcher series new DIR` makes a series in a new directory"
        raise NoSuchSeries(f"is not a series: there is no {ENTRY} in it", where=directory, hint=hint)
    from patcher.series import checked, python  # slow to import, and ours needs neither

    _refuse_links_outside(directory)
    sha256 = digest_of(directory)
    entry = python.run(directory)
    found = _declared(entry)
    if is_ours(found.name) and directory != directory_of(found.name):
        hint = "give it another name: the first word of its `Series(…)`"
        raise SeriesError(f"{found.name} is the name of ours", where=str(entry.__file__), hint=hint)
    checked.refuse_wrong(found, str(entry.__file__))
    placed = _placed(found, directory, python.modules_of(entry))
    checked.refuse_bad_sites(placed)
    declaration.remember(placed.patches_for(client=True))
    return placed.loaded(sha256)


OURS = (CODEX,)
"""The words that choose our own series alone."""


def choose(words: Sequence[str | Series] = OURS, *, options: str | None = None) -> tuple[Series, ...]:
    """The series that these words name, in order, fit to be built together; one that is loaded already stays as it is.

    options: what a person has typed to choose them, for messages (default: `--series` and each word; nothing for ours
    alone). Raises what `load` raises, and `SeriesError` for two of one name or what they cannot share.
    """
    import shlex

    from patcher.layers import layers_of

    if options is None:
        typed = [word for word in words if isinstance(word, str)]
        options = "" if typed == [CODEX] else " ".join(f"--series {shlex.quote(word)}" for word in typed)
    found: dict[str, tuple[str, Series]] = {}
    for each in words:
        word, series = (each, _typed(load(each), options)) if isinstance(each, str) else (each.home or each.name, each)
        if series.name in found:
            message = f"two series are named {series.name}: {found[series.name][0]} and {word}"
            hint = (
                "leave one out"
                if found[series.name][1].home == series.home
                else "rename one: the first word of its `Series(…)`"
            )
            raise SeriesError(message, where=os.path.join(series.home, ENTRY), hint=hint)
        found[series.name] = (word, series)
    chosen = tuple(series for _, series in found.values())
    _refuse_shared_ids(chosen)
    _refuse_shared_files(chosen)
    layers_of([patch for series in chosen for patch in series.patches_for(client=True)])
    return chosen


def _declared(entry: ModuleType) -> Series:
    found: Any = getattr(entry, "SERIES", None)
    if not isinstance(found, Series):
        what = "no such name" if found is None else f"{type(found).__name__} {str(found)[:60]}"
        hint = 'write `from patcher import Series` and `SERIES = Series("name", patches=(…), contracts=(…))`'
        raise SeriesError(f"expected `SERIES` to be a Series, found {what}", where=str(entry.__file__), hint=hint)
    return found


def _placed(series: Series, directory: str, modules: Sequence[ModuleType]) -> Series:
    """The series with its directory, and each patch with where it comes from and with its pins."""
    pins = os.path.join(directory, PINS)
    known = {site.id for patch in series.patches_for(client=True) for site in patch.sites}
    record = records.read(pins, known) if os.path.lexists(pins) else {}
    origin = Origin(series.name, templates=os.path.join(directory, TEMPLATES), pins=pins, builtin_pins=pins)

    def placed(patch: Patch) -> Patch:
        source = next((str(each.__file__) for each in modules if _has(each, patch)), str(modules[-1].__file__))
        return records.with_pins(replace(patch, origin=replace(origin, source=source)), [record])

    return replace(
        series,
        patches=tuple(map(placed, series.patches)),
        client_patches=tuple(map(placed, series.client_patches)),
        home=directory,
        templates=origin.templates,
        pins=pins,
        builtin_pins=pins,
    )


def _has(module: ModuleType, patch: Patch) -> bool:
    return any(value is patch for value in vars(module).values()) and bool(getattr(module, "__file__", None))


def _typed(series: Series, options: str) -> Series:
    def typed(patches: Iterable[Patch]) -> tuple[Patch, ...]:
        return tuple(replace(patch, origin=replace(patch.origin, options=options)) for patch in patches)

    if not options:
        return series
    placed = replace(series, patches=typed(series.patches), client_patches=typed(series.client_patches))
    return placed.loaded(series.sha256)  # what messages say is no part of what is built


def _refuse_shared_ids(chosen: Sequence[Series]) -> None:
    owners: dict[str, Series] = {}
    for series in chosen:
        for patch in series.patches_for(client=True):
            if patch.id in owners:
                message = f"{owners[patch.id].name} and {series.name} both have a patch {patch.id}"
                raise SeriesError(message, where=patch.origin.source, hint="give one of them another id")
            owners[patch.id] = series
    contracts: dict[str, Series] = {}
    for series in chosen[1:] and chosen:
        for contract in (*series.contracts, *series.client_contracts):
            other = contracts.setdefault(contract.id, series)
            if other is not series:
                message = f"{other.name} and {series.name} both have a contract {contract.id}"
                raise SeriesError(message, where=os.path.join(series.home, ENTRY), hint="give one of them another id")


def _refuse_shared_files(chosen: Sequence[Series]) -> None:
    """Two patches that bring the same file, as any system compares names: one would be lost without a word."""
    for line in Line:
        owners: dict[str, Patch] = {}
        for series in chosen:
            for patch in series.patches_for(client=True):
                paths = [overlay.path for overlay in patch.overlays_for(line)]
                for path in paths:
                    other = owners.setdefault(path.casefold(), patch)
                    if other is not patch or paths.count(path) > 1:
                        message = f"{other.id} and {patch.id} both bring the file {path}"
                        message = message if other is not patch else f"{patch.id} brings the file {path} twice"
                        hint = "give one of them another path, or a line of upstream of its own"
                        raise SeriesError(message, where=patch.origin.source, hint=hint)


def _refuse_links_outside(directory: str) -> None:
    """A link that leads out of the series: what it is made of would depend on what nobody looks at."""
    root = os.path.join(os.path.realpath(directory), "")
    places = {os.path.join(directory, *path.split("/")) for path in files_of(directory)}
    folders = {
        os.path.join(folder, name) for folder, inner, _ in os.walk(os.path.join(directory, TEMPLATES)) for name in inner
    }
    for path in sorted(places | folders):
        if os.path.islink(path) and not os.path.realpath(path).startswith(root):
            message = f"is a link to {os.path.realpath(path)}, outside of its series"
            raise TemplateUnusable(message, where=path, hint="put the file itself there")
