"""Choose contracts and run them on the result of a build."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from patcher.errors import ContractRefused, UsageError
from patcher.model import Build, Contract, Line, Series, Tree, Verdict
from patcher.patches.harnesses import handler_path
from patcher.progress import progress as bar
from patcher.prove import (
    CLIENT_CONTRACTS,
    CONTRACTS,
    Node,
    Observation,
    ProofResult,
    both_beds,
    dependencies_for,
    find_browser,
    find_node,
    observe,
    prove,
)


def codex_handler(build: Build) -> str:
    """The path of our Codex hook handler in the generated tree."""
    return handler_path("codex", build.upstream.line)


def codex_handler_source(build: Build) -> str:
    """The text of our Codex hook handler; empty for a build without it."""
    handler = build.added.get(codex_handler(build))
    return handler.data.decode() if handler else ""


def contracts_of(series: Sequence[Series] | None) -> tuple[tuple[Contract, ...], tuple[Contract, ...]]:
    """The contracts of these series (None: ours), and those of the client."""
    if series is None:
        return CONTRACTS, CLIENT_CONTRACTS
    server = tuple(contract for each in series for contract in each.contracts)
    return server, tuple(contract for each in series for contract in each.client_contracts)


def run(
    build: Build,
    *,
    only: Sequence[str] = (),
    node: str | None = None,
    install: bool = False,
    pristine_client: Tree | None = None,
    command: str = "",
    series: Sequence[Series] | None = None,
) -> list[ProofResult]:
    """Run the contracts of these series (default: ours), or those in `only`, on both trees of `build`.

    pristine_client: `client/dist` of the pristine sources; if given, the contracts of the client are run too. command:
    as typed by the user, for a hint (default: `prove` of this upstream).
    Raises `UsageError` (no such contract, or not one of this upstream's), `NodeMissing`, `DependenciesMissing`,
    `BrowserMissing`.
    """
    contracts = chosen(only, build.upstream.line, client=pristine_client is not None, series=series)
    runtime = find_node(node)
    pristine = {**build.upstream.tree, **(pristine_client or {})}
    build = replace(build, upstream=replace(build.upstream, tree=pristine))
    with bar(2 * len(contracts)) as advance:

        def report(message: str) -> None:
            advance(message, int(": " in message))  # only `contract: tree` is a step

        modules = dependencies_for(
            pristine["package.json"].data,
            node=runtime,
            install=install,
            progress=report,
            command=command or f"sidecar-patcher prove --upstream {build.upstream.spec}",
        )
        return of(contracts, build, node=runtime, node_modules=modules, progress=report)


def look(
    build: Build,
    names: Collection[str],
    *,
    node: str | None = None,
    install: bool = False,
    command: str,
    series: Sequence[Series] | None = None,
) -> dict[str, Observation]:
    """The observations of these contracts on the patched tree only; contracts for other lines of upstream are left out.

    command: as typed by the user, for a hint. Raises `NodeMissing`, `DependenciesMissing`.
    """
    runtime = find_node(node)
    tree = build.upstream.tree
    modules = dependencies_for(tree["package.json"].data, node=runtime, install=install, command=command)
    handler = codex_handler_source(build)
    known, _ = contracts_of(series)
    with both_beds(tree, build.tree, node=runtime, node_modules=modules, handler_source=handler) as (_, patched):
        return {
            each.id: observe(each, patched)
            for each in known
            if each.id in names and each.line in {None, build.upstream.line}
        }


def of(
    contracts: Iterable[Contract],
    build: Build,
    *,
    node: Node,
    node_modules: str | None,
    progress: Callable[[str], None] = lambda message: None,
) -> list[ProofResult]:
    """The results of these contracts on the two trees of a build, with its handler and its superseded patches."""
    return prove(
        build.upstream.tree,
        build.tree,
        contracts=contracts,
        node=node,
        node_modules=node_modules,
        handler_source=codex_handler_source(build),
        line=build.upstream.line,
        superseded=frozenset(each.patch for each in build.findings if each.verdict is Verdict.SUPERSEDED),
        progress=progress,
    )


def chosen(
    only: Sequence[str], line: Line, *, client: bool = False, series: Sequence[Series] | None = None
) -> list[Contract]:
    """The contracts with these names, or all for this line of upstream; with `client`, also those of the client.

    Raises `UsageError` for any other name, `BrowserMissing` where one needs a browser.
    """
    server, in_client = contracts_of(series)
    contracts = (*server, *(in_client if client else ()))
    known = {contract.id for contract in contracts}
    if not client and (left_out := {contract.id for contract in in_client}.intersection(only)):
        raise UsageError(f"{', '.join(sorted(left_out))} looks at the built client", hint="add `--client`")
    unknown = [name for name in only if name not in known]
    if unknown:
        hint = f"there are: {', '.join(sorted(known)) or 'none in these series'}"
        raise UsageError(f"there is no contract {', '.join(unknown)}", hint=hint)
    ours = [contract for contract in contracts if contract.line in {None, line}]
    elsewhere = set(only) - {contract.id for contract in ours}
    if elsewhere:
        lines = {contract.id: contract.line for contract in contracts}
        message = ", ".join(f"{name} is for the {lines[name]} line" for name in sorted(elsewhere))
        raise UsageError(
            f"{message}; this upstream is of the {line} line", hint="leave it out, or choose another --upstream"
        )
    found = [contract for contract in ours if not only or contract.id in only]
    if any(contract in in_client for contract in found):
        find_browser()
    return found


def refuse_if_red(results: Sequence[ProofResult]) -> None:
    """Raises `ContractRefused` with every contract that is not `ok`."""
    refused = [f"{result.contract.id}: {result.message}" for result in results if not result.ok]
    if refused:
        hint = "`sidecar-patcher prove --only CONTRACT` runs one again; nothing was written"
        raise ContractRefused("; ".join(refused), hint=hint)
