"""Places in the dashboard's client: a bump of TSX has windows, culprits and candidates as one of the server's has."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from patcher.bump.model import Bump, BumpOptions, Change, Kind
from patcher.bump.run import bump as run
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.upstream.history import Repository as History
from patcher.upstream.materialize import materialize
from tests.support import Repository, Tree

SETTINGS = "client/src/pages/Settings.tsx"


def settings_at(tmp_path: Path, tree: Callable[[Tree], Tree]) -> Bump:
    """A bump of the whole series over a copy of the builtin sidecar, with a change of its client in the middle."""
    files = {path: file.data for path, file in materialize("builtin", client=True).tree.items()}
    first = Tree(files)
    package = first.files["package.json"]
    assert isinstance(package, bytes)
    repository = Repository(tmp_path / "upstream")
    repository.path.mkdir()
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit(first, "v1.4.0")
    repository.commit(first.having({"LICENSE": "none\n"}), "innocent")
    changed = tree(first)
    for gone in first.files.keys() - changed.files.keys():
        (repository.path / gone).unlink()
    repository.commit(changed, "guilty")
    newer = package.replace(version_of(package), b'"1.9.0"')
    repository.commit(changed.having({"package.json": newer, "LICENSE": "some\n"}), "v1.9.0")
    with History.open(str(repository.path), client=True) as history:
        return run(history, (*SERIES, *CLIENT_SERIES), BumpOptions("v1.9.0", "v1.4.0"))


def version_of(package: bytes) -> bytes:
    return b'"' + json.loads(package)["version"].encode() + b'"'


def in_settings(old: str, new: str, path: str = SETTINGS) -> Callable[[Tree], Tree]:
    def changed(tree: Tree) -> Tree:
        text = tree.files[SETTINGS]
        assert isinstance(text, bytes) and old.encode() in text
        moved = tree.without(SETTINGS) if path != SETTINGS else tree
        return moved.having({path: text.replace(old.encode(), new.encode())})

    return changed


@pytest.mark.parametrize(
    ("tree", "change", "kind"),
    [
        pytest.param(in_settings('id="hooks"', 'id="hook"'), Change.EDITED, Kind.PIN, id="an attribute of the section"),
        pytest.param(in_settings("<p>", '<p className="wide">'), Change.EDITED, Kind.PIN, id="inside the section"),
        pytest.param(
            in_settings("function Settings()", "function SettingsPage()"), Change.RENAMED, Kind.SCOPE, id="renamed"
        ),
    ],
)
def test_a_place_in_the_client_has_a_culprit_and_a_candidate(
    tmp_path: Path, tree: Callable[[Tree], Tree], change: Change, kind: Kind
) -> None:
    found = settings_at(tmp_path, tree)
    [place] = [place for place in found.sites if place.stops]
    assert (place.id, place.change) == ("settings_switch.section", change)
    assert place.culprit is not None and place.culprit.subject == "guilty"
    assert (place.candidates[0].kind, place.candidates[0].tried.fits) == (kind, True)
    assert found.proposed.ok


def test_a_page_of_the_client_that_moved_is_found(tmp_path: Path) -> None:
    found = settings_at(tmp_path, in_settings("../words", "../words", "client/src/screens/Settings.tsx"))
    section = next(place for place in found.sites if place.id == "settings_switch.section")
    assert (section.change, section.candidates[0].file) == (Change.MOVED, "client/src/screens/Settings.tsx")
