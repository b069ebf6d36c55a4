"""Fixtures and markers of the whole suite."""

import signal
from collections.abc import Callable, Iterator

import hypothesis
import jinja2
import pytest

from patcher import pipeline, render
from patcher.commands import series as series_commands
from patcher.model import Patch
from tests.lab.drift import nodejs, prettier
from tests.support import ROOT, CommandLine, PatchMaker, Repository

hypothesis.settings.register_profile("sidecar", deadline=None, max_examples=100)
hypothesis.settings.load_profile("sidecar")


def pytest_configure(config: pytest.Config) -> None:
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # a shell's background job: its children could not be interrupted
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "slow: takes more than a second; leave out with `-m 'not slow'`")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> PatchMaker:
    """Declares small patches; their templates live in memory, in an environment with the real settings."""
    templates: dict[str, str] = {}
    environment = render.environment().overlay()
    environment.loader = jinja2.DictLoader(templates)
    monkeypatch.setattr("patcher.render.environment", lambda _="": environment)
    return PatchMaker(templates)


@pytest.fixture
def use_series(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the commands run with another series than the real one."""

    def use(*series: Patch) -> None:
        monkeypatch.setattr(series_commands, "SERIES", series)
        monkeypatch.setattr(series_commands, "CLIENT_SERIES", ())
        monkeypatch.setattr("patcher.commands.build.series_for", lambda client: series)
        for stage in (pipeline.check, pipeline.check_upstream, pipeline.output):
            monkeypatch.setattr(stage, "__defaults__", (series,))
        monkeypatch.setattr(
            pipeline.build, "__kwdefaults__", {**(pipeline.build.__kwdefaults__ or {}), "series": series}
        )

    return use


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
