"""The pytest plugin: running pristine and patched sidecars, and a simulated Codex.

It gives a project that installs sidecar-patcher the fixtures `patched_sidecar`, `pristine_sidecar`, `sidecar_tree`,
`codex` and `prove_contract`. No other module of the package needs pytest.
"""

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # Every pytest run of a project that installs us loads this module, so slow imports are made on first use.
    from patcher.model import Build, Series, Tree
    from patcher.prove import Contract, Node, Sidecar
    from patcher.testing.live import LiveCodex

_LOG_LINES = 30


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--sidecar-upstream`, `--sidecar-series`, `--sidecar-node`, `--sidecar-install`."""
    group = parser.getgroup("sidecar", "patched sidecars")
    group.addoption("--sidecar-upstream", default="builtin", metavar="SPEC", help="what to patch; default: %(default)s")
    group.addoption(
        "--sidecar-series", action="append", metavar="SERIES", help="as `--series` of the command line; default: codex"
    )
    group.addoption("--sidecar-node", metavar="PATH", help="the Node to run sidecars on; default: the first that fits")
    group.addoption("--sidecar-install", action="store_true", help="fetch the npm packages that SPEC needs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the logs of its sidecars."""
    report = yield
    if report.when == "call" and report.failed:
        for name in ("patched_sidecar", "pristine_sidecar"):
            sidecar = getattr(item, "funcargs", {}).get(name)
            if sidecar is not None:
                tail = "\n".join(sidecar.log().splitlines()[-_LOG_LINES:])
                report.sections.append((f"log of {name}", tail or "(empty)"))
    return report


@pytest.fixture(scope="session")
def _sidecar_node(pytestconfig: pytest.Config) -> "Node":
    from patcher.prove import find_node

    with _as_sentences():
        return find_node(pytestconfig.getoption("--sidecar-node"))


@pytest.fixture(scope="session")
def _sidecar_series(pytestconfig: pytest.Config) -> "tuple[Series, ...]":
    from patcher.series.load import OURS, choose

    with _as_sentences():
        return choose(pytestconfig.getoption("--sidecar-series") or OURS)


@pytest.fixture(scope="session")
def _sidecar_build(pytestconfig: pytest.Config, _sidecar_series: "tuple[Series, ...]") -> "Build":
    from patcher import pipeline

    spec = pytestconfig.getoption("--sidecar-upstream")
    with _as_sentences():
        build = pipeline.check(spec, _sidecar_series)
    if not build.ok:
        pytest.fail(f"{spec} cannot be patched; `sidecar-patcher check --upstream {spec}` shows why", pytrace=False)
    return build


@pytest.fixture(scope="session")
def _sidecar_packages(pytestconfig: pytest.Config, _sidecar_build: "Build", _sidecar_node: "Node") -> str | None:
    from patcher.prove import dependencies_for

    with _as_sentences():
        package = _sidecar_build.upstream.tree["package.json"].data
        install = pytestconfig.getoption("--sidecar-install")
        return dependencies_for(package, node=_sidecar_node, install=install, command="pytest --sidecar-install")


@pytest.fixture(scope="session")
def _lay_out_sidecar(
    tmp_path_factory: pytest.TempPathFactory, _sidecar_packages: str | None
) -> "Callable[[str, Tree], str]":
    from patcher.prove import lay_out

    return lambda name, tree: lay_out(tree, str(tmp_path_factory.mktemp(name)), _sidecar_packages)


@pytest.fixture(scope="session")
def sidecar_tree(
    _sidecar_build: "Build", _sidecar_series: "tuple[Series, ...]", _lay_out_sidecar: "Callable[[str, Tree], str]"
) -> str:
    """The directory of the generated tree, ready to run. Shared by all tests: do not write to it."""
    from patcher import pipeline

    return _lay_out_sidecar("patched", pipeline.output(_sidecar_build, _sidecar_series))


@pytest.fixture(scope="session")
def pristine_sidecar_tree(_sidecar_build: "Build", _lay_out_sidecar: "Callable[[str, Tree], str]") -> str:
    """The directory of upstream's own tree, ready to run. Shared by all tests: do not write to it."""
    return _lay_out_sidecar("pristine", _sidecar_build.upstream.tree)


@pytest.fixture
def patched_sidecar(sidecar_tree: str, _sidecar_node: "Node") -> "Iterator[Sidecar]":
    """A patched sidecar that runs, on a home and a database of its own: `.get`, `.post_hook`, `.rows`, `.log`."""
    yield from _running(sidecar_tree, _sidecar_node)


@pytest.fixture
def pristine_sidecar(pristine_sidecar_tree: str, _sidecar_node: "Node") -> "Iterator[Sidecar]":
    """Upstream's own sidecar, as `patched_sidecar`."""
    yield from _running(pristine_sidecar_tree, _sidecar_node)


@pytest.fixture
def codex(request: pytest.FixtureRequest) -> "LiveCodex":
    """A Codex whose sessions you write, and whose hooks and rollouts you send to any of the sidecars."""
    from patcher.testing.live import LiveCodex

    return LiveCodex("/codex-home", seed=request.node.nodeid)


@pytest.fixture
def prove_contract(
    _sidecar_build: "Build",
    _sidecar_series: "tuple[Series, ...]",
    _sidecar_node: "Node",
    _sidecar_packages: str | None,
) -> Callable[..., None]:
    """Call it with the name of a contract, or with one of yours: red on the pristine tree, green on the patched."""
    from patcher.prove import proof
    from patcher.testing.assertions import assert_proven

    def check(contract: "str | Contract") -> None:
        __tracebackhide__ = True
        known = {each.id: each for series in _sidecar_series for each in series.contracts}
        if isinstance(contract, str):
            if contract not in known:
                pytest.fail(f"there is no contract {contract}; there are {', '.join(sorted(known))}", pytrace=False)
            contract = known[contract]
        [result] = proof.of([contract], _sidecar_build, node=_sidecar_node, node_modules=_sidecar_packages)
        assert_proven(result)

    return check


def _running(tree: str, node: "Node") -> "Iterator[Sidecar]":
    from patcher.prove import Sidecar

    with Sidecar(tree, node) as sidecar:
        yield sidecar


@contextlib.contextmanager
def _as_sentences() -> Iterator[None]:
    """Errors of the tool as plain messages, without a traceback."""
    from patcher.errors import PatcherError

    try:
        yield
    except PatcherError as error:
        hint = f"\n  try: {error.hint}" if error.hint else ""
        pytest.fail(f"{error.message}{hint}", pytrace=False)
