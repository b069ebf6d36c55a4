"""What upstream did to a site that stops: the word for it, and a sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from patcher import javascript
from patcher.bump.candidates import Home, nearest, scope_text
from patcher.bump.model import Change, Reviewed
from patcher.javascript import similarity
from patcher.locate import locate
from patcher.model import MODULE, Anchor, Located, Scope, Verdict

_RENAMED, _SPLIT, _PIECE, _EDITED = 0.6, 0.8, 0.25, 0.6


def change_of(
    old: Reviewed, anchor: Anchor, verdict: Verdict, located: Located, texts: Mapping[str, str]
) -> tuple[Change, str]:
    """The word and the sentence. texts: the files to look in by path; the site's own may be missing."""
    file = old.file
    if verdict is Verdict.AMBIGUOUS:
        if len(located.scopes) > 1:
            lines = ", ".join(map(str, located.scopes))
            return Change.DUPLICATED, f"{anchor.scope} is defined {len(located.scopes)} times, at lines {lines}"
        return Change.DUPLICATED, f"the code is there {len(located.matches)} times"
    if verdict is Verdict.DRIFTED:
        return _drifted(old, texts.get(file, ""), located)
    if (not located.scopes and anchor.scope != MODULE) or file not in texts:
        return _scope_gone(old, anchor, texts)
    return _statement_gone(old, anchor, texts)


def _drifted(old: Reviewed, text: str, located: Located) -> tuple[Change, str]:
    before, now = old.located.matches[0], located.matches[0]
    was, found = old.text[before.window_start : before.window_end], text[now.window_start : now.window_end]
    if similarity.words(was) == similarity.words(found):
        return Change.SURROUNDED, "the statement is as reviewed; a block or a function around it is not"
    return Change.EDITED, f"the window was edited: {similarity.likeness(was, found):.0%} of it is as reviewed"


def _scope_gone(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> tuple[Change, str]:
    file, was = old.file, scope_text(old)
    gone = "the file is gone" if file not in texts else f"{anchor.scope} is gone from the file"
    homes = sorted(_homes(anchor, was, texts), key=lambda home: -home[0])
    same = next((each for each in homes if each[2] == str(anchor.scope) and each[0] >= _EDITED), None)
    if same:
        return Change.MOVED, f"{gone}; {anchor.scope} is in {same[1]} now, {same[0]:.0%} as it was"
    pieces = [each for each in homes[:2] if each[1] == file]
    if len(pieces) == 2 and _are_pieces(was, pieces[0][3], pieces[1][3]):
        return Change.SPLIT, f"{gone}; what was in it is in {pieces[0][2]} and {pieces[1][2]}"
    if homes and homes[0][0] >= _RENAMED:
        likeness, path, scope, _ = homes[0]
        word = Change.RENAMED if path == file else Change.MOVED
        return word, f"{gone}; {scope}{f' of {path}' if path != file else ''} is {likeness:.0%} like it"
    return Change.DELETED, f"{gone}, and nothing in the tree is like it"


def _are_pieces(was: str, one: str, other: str) -> bool:
    """Whether both together hold what was there, and neither does alone."""
    together = similarity.covered(was, one + other)
    return together >= _SPLIT and together - max(similarity.covered(was, one), similarity.covered(was, other)) >= _PIECE


def _homes(anchor: Anchor, was: str, texts: Mapping[str, str]) -> Iterator[tuple[float, str, str, str]]:
    """Scopes of the same kind: likeness, file, name and text."""
    for path, text in texts.items():
        for scope, node in javascript.named_scopes(text, javascript.language_of(path)):
            if scope.kind == anchor.scope.kind:
                yield similarity.overlap(was, node.text()), path, str(scope), node.text()


def _statement_gone(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> tuple[Change, str]:
    elsewhere = _elsewhere(old, anchor, texts)
    if elsewhere:
        return Change.MOVED, f"the statement is not in {anchor.scope} any more; it is in {elsewhere}"
    alike = _nearest(old, anchor, texts[old.file])
    if alike >= _EDITED:
        return Change.EDITED, f"the statement was edited: the nearest in {anchor.scope} is {alike:.0%} like it"
    most = f"the most like it there is {alike:.0%} like it" if alike else "nothing in it is like it"
    return Change.DELETED, f"the statement is gone from {anchor.scope}; {most}"


def _elsewhere(old: Reviewed, anchor: Anchor, texts: Mapping[str, str]) -> str:
    for path, there in texts.items():
        for scope, _ in javascript.named_scopes(there, javascript.language_of(path)):
            own = (path, scope) == (old.file, anchor.scope)
            if not own and _contains(path, there, scope, anchor):
                return f"{scope}{f' of {path}' if path != old.file else ''}"
    return ""


def _nearest(old: Reviewed, anchor: Anchor, text: str) -> float:
    """How much what is most like the reviewed statement is like it, in the scope; 0 for nothing."""
    scopes = javascript.scopes_named(text, anchor.scope, old.language)
    alike = [nearest(old, Home(old.site.file, text, anchor.scope, scope, 0.0)) for scope in scopes]
    return max((found[0][0] for found in alike if found), default=0.0)


def _contains(path: str, text: str, scope: Scope, anchor: Anchor) -> bool:
    return len(locate(text, replace(anchor, scope=scope), javascript.language_of(path)).matches) == 1
