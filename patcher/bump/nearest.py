"""For a site at which nothing matches: what a candidate would take, so that there is something to read it beside."""

from dataclasses import replace

from patcher.bump.model import Moment, SiteReport, Window
from patcher.bump.window import window_of
from patcher.javascript import language_of
from patcher.locate import locate


def with_nearest(site: SiteReport, until: Moment, rank: int) -> SiteReport:
    """The site with the window of its candidate of this rank, where it has none of its own."""
    return site if site.found or not site.stops else replace(site, nearest=_nearest(site, until, rank))


def _nearest(site: SiteReport, until: Moment, rank: int) -> Window | None:
    for candidate in (each for each in site.candidates if each.rank == rank):
        file = until.upstream.tree.get(candidate.file)
        text = file.data.decode("utf-8", "replace") if file else ""
        language = language_of(candidate.file)
        located = locate(text, candidate.anchor, language)
        if len(located.matches) == 1:
            return window_of(until.ref, text, located, language)
    return None
