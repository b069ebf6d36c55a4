"""Fixtures and markers of the whole suite."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from tests.lab.drift import nodejs, prettier
from tests.support import ROOT, CommandLine, PatchMaker, Repository, Templates, dealt, series_directory

hypothesis.settings.register_profile("sidecar", deadline=None, max_examples=100)
hypothesis.settings.load_profile("sidecar")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _keep_bytecode(config)
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # a shell's background job: its children could not be interrupted
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "slow: takes more than a second; leave out with `-m 'not slow'`")
    config.addinivalue_line("markers", "long: takes ten seconds, most of them waiting; begins before the others")


def _keep_bytecode(config: pytest.Config) -> None:
    """For this run, in a folder of its own: hundreds of tests start a Python, and each would compile all of it again."""
    folder = tempfile.mkdtemp(prefix="sidecar-bytecode-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = folder
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each worker begins with its part of the long ones, so that none is left for the end."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = dealt(items, [each.get_closest_marker("long") is not None for each in items], workers)


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> PatchMaker:
    """Declares small patches; their templates are in a folder of the test's own."""
    return PatchMaker(Templates(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def series(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The directory of a series of these patches, for `--series`."""
    return lambda *patches: series_directory(tmp_path_factory.mktemp("series") / "test", *patches)


@pytest.fixture
def without_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network for the drift corpus, unless prettier is there already."""
    if not nodejs.is_installed("prettier", prettier.VERSION):
        monkeypatch.setattr(nodejs, "installed", _unavailable)


def _unavailable(package: str, version: str) -> str:
    raise nodejs.Unavailable(f"{package} {version} is not in the cache")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """Run the command line in this process, which takes SIGTERM as it did before."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(ROOT))
    before = signal.getsignal(signal.SIGTERM)
    yield CommandLine(capsys)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A git repository with one commit, tagged `v1.2.0`."""
    yield Repository.made(tmp_path_factory.mktemp("repository"))
