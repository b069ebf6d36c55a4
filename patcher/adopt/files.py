"""What becomes of each file that was changed: places in it, a file of ours, a whole file replaced, or a reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from patcher import splice as splicing
from patcher.adopt.anchors import Anchored, all_anchored
from patcher.adopt.compare import Edit, compare
from patcher.adopt.edited import Sides
from patcher.errors import OverlappingSplices
from patcher.javascript import has_grammar, language_of, syntax_errors
from patcher.javascript.tree import parse
from patcher.locate import locate
from patcher.model import FILE, Anchor, File, Layer, Pin, Position, Site, digest

LARGEST = 1_000_000
"""Characters of a file that is compared; a longer one is made by a program."""
_LOCK = re.compile(r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?)$")
IDENTICAL, OVERLAY, OVERRIDE = "identical", "overlay", "override"
PARTIAL, NOT_EXPRESSED, DOES_NOT_TRAVEL = "partial", "not-expressed", "does-not-travel"
STATUSES = (IDENTICAL, OVERLAY, OVERRIDE, PARTIAL, NOT_EXPRESSED, DOES_NOT_TRAVEL)
EXPRESSED = frozenset({IDENTICAL, OVERLAY, OVERRIDE, DOES_NOT_TRAVEL})


@dataclass(frozen=True)
class Payload:
    """One edit: its anchor with the pin, and what goes in. A whole file has the scope `file`."""

    anchor: Anchor
    text: str

    @property
    def pin(self) -> Pin:
        """What was found there."""
        return self.anchor.pins[0]


@dataclass(frozen=True)
class Adopted:
    """One changed file.

    hunks: of a diff of it without context, where it travels and we have its grammar. adopted: those that go in.
    replaced: for each payload, how many characters of upstream's it stands for. file: the whole new file, for an
    overlay.
    """

    path: str
    status: str
    reason: str = ""
    payloads: tuple[Payload, ...] = ()
    file: File | None = None
    hunks: int = 0
    adopted: int = 0
    replaced: tuple[int, ...] = ()


def adopt(path: str, both: Sides) -> Adopted:
    """What becomes of one changed file."""
    old, new = both.pristine.get(path), both.edited.get(path)
    if not both.travels.has(path):
        return Adopted(path, DOES_NOT_TRAVEL, _why_not(path))
    before, text = _text(old), _text(new)
    why = _inexpressible(path, old, new)
    if why:
        return Adopted(path, NOT_EXPRESSED, why)
    if old is None or new is None or before is None or text is None:
        return Adopted(path, OVERLAY, file=new)
    found = modified(path, before, text, both.upstream.version or both.upstream.ref)
    if found.status == IDENTICAL and old.executable != new.executable:
        return replace(found, status=PARTIAL, reason="its executable bit has changed, too: a payload changes text")
    return found


def _inexpressible(path: str, old: File | None, new: File | None) -> str:
    """Why nothing can be made of a change; empty where something can."""
    if new is None:
        return "it was deleted: a series cannot take a file away"
    if _LOCK.search(path):
        return "it is a lock file: npm writes it, and no build installs from it"
    if _text(new) is None:
        return f"it is {'new, and ' if old is None else ''}binary: a payload is text"
    if old is not None and _text(old) is None:
        return "upstream's file is binary: there is nothing to locate in"
    if old is not None and old.data == new.data:
        what = "made executable" if new.executable else "made a file that is not executable"
        return f"it was {what}: a payload changes text, and nothing else"
    return ""


def _why_not(path: str) -> str:
    if path.startswith("client/"):
        return "of the dashboard's client: `--client` takes its sources along; what is built or a test never goes"
    return "no build of the sidecar has this file: it is a test, a document, or beside the server"


def _text(file: File | None) -> str | None:
    """The text of a file; None for one that is not UTF-8, or has a NUL character."""
    if file is None or b"\0" in file.data:
        return None
    try:
        return file.data.decode()
    except UnicodeDecodeError:
        return None


def modified(path: str, before: str, after: str, reviewed: str) -> Adopted:
    """What becomes of the text of a file. reviewed: the version or ref that `before` is of."""
    hunks = _hunks(before, after)
    language = language_of(path)
    if not has_grammar(path, before[:128].encode()):
        return _override(path, before, after, reviewed, "no grammar of ours is for it", 0)
    if max(len(before), len(after)) > LARGEST:
        return _override(path, before, after, reviewed, "it is too large to compare", len(hunks))
    broken = syntax_errors(parse(before, language)) or syntax_errors(parse(after, language))
    edits = compare(before, after, language)
    if edits is None:
        return _override(path, before, after, reviewed, "nothing in it is a list of items", len(hunks))
    found, nowhere = all_anchored(_joined(edits), reviewed)
    placed, lost = _together(found)
    lost += nowhere
    if not placed:
        why = "nothing around its edits is there only once" if not broken else "it does not parse"
        return _override(path, before, after, reviewed, why, len(hunks))
    adopted = sum(not any(_meets(hunk, edit, before) for edit in lost) for hunk in hunks)
    payloads = tuple(Payload(replace(each.anchor, pins=(each.pin,)), each.edit.text) for each in placed)
    replaced = tuple(each.edit.end - each.edit.start for each in placed)
    common = Adopted(path, IDENTICAL, "", payloads, hunks=len(hunks), adopted=adopted, replaced=replaced)
    reason = _lost(before, lost, len(placed) + len(lost))
    if not reason and _applied(path, before, placed) != after:
        reason, common = "what comes out differs from the edited file", replace(common, adopted=0)
    return replace(common, status=PARTIAL, reason=reason) if reason else common


def _lost(before: str, lost: Sequence[Edit], of: int) -> str:
    """Why not all edits of a file go in; empty where all do."""
    lines = ", ".join(str(before.count("\n", 0, edit.start) + 1) for edit in lost[:5])
    return f"{len(lost)} of {of} edits have no place that is there once: line {lines}" if lost else ""


def _override(path: str, before: str, after: str, reviewed: str, why: str, hunks: int) -> Adopted:
    whole = digest(before.encode())
    anchor = Anchor(FILE, pins=(Pin(whole, whole, 1, reviewed),))
    reason = f"the whole file is replaced: {why}"
    return Adopted(
        path, OVERRIDE, reason, (Payload(anchor, after),), hunks=hunks, replaced=(len(before),) if hunks else ()
    )


def _joined(edits: Sequence[Edit]) -> list[Edit]:
    """Two insertions at one character become one, where they are of one row."""
    joined: list[Edit] = []
    for edit in edits:
        last = joined[-1] if joined else None
        if last and last.start == last.end == edit.start == edit.end and edit.item == last.item:
            joined[-1] = replace(last, text=last.text + edit.text)
        else:
            joined.append(edit)
    return joined


def _together(found: Sequence[Anchored]) -> tuple[list[Anchored], list[Edit]]:
    """Those that go in together, and the edits that do not."""
    placed: list[Anchored] = []
    lost: list[Edit] = []
    end, last = 0, (-1, -1)
    for each in found:
        place = each.edit.start, each.edit.end
        if place[0] < end or place == last:
            lost.append(each.edit)
            continue
        placed.append(each)
        end, last = place[1], place
    return placed, lost


def _applied(path: str, before: str, placed: Sequence[Anchored]) -> str:
    """What comes out, without markers: each anchor is located again, as a build does it."""
    splices = []
    language = language_of(path)
    for number, each in enumerate(placed):
        anchor = replace(each.anchor, pins=(each.pin,))
        located = locate(before, anchor, language)
        if not located.is_unique:
            return ""
        site = Site(f"s{number}", path, Position.REPLACE, "", (anchor,), patch="adopted")
        splices.append(splicing.make_splice(before, site, located.matches[0], each.edit.text, language))
    try:
        after = splicing.apply(before, splices, path)
    except OverlappingSplices:
        return ""
    return splicing.plain([Layer(path, before, tuple(splices), after)])


def _hunks(before: str, after: str) -> list[tuple[int, int]]:
    """The lines, from 0, of each hunk of a diff without context."""
    lines = SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False).get_opcodes()
    return [(a, b) for what, a, b, _, _ in lines if what != "equal"]


def _meets(hunk: tuple[int, int], edit: Edit, before: str) -> bool:
    first = before.count("\n", 0, edit.start)
    last = before.count("\n", 0, edit.end)
    return first <= max(hunk[1] - 1, hunk[0]) + 1 and hunk[0] <= last + 1
