"""The contracts, on what a build produced: choose them, run them, and say what was seen."""

from collections.abc import Sequence
from typing import Any

from patcher.errors import ContractRefused, UsageError
from patcher.harnesses import HARNESSES
from patcher.model import Build, Tree
from patcher.progress import progress
from patcher.prove import (
    CLIENT_CONTRACTS,
    CONTRACTS,
    Contract,
    ProofResult,
    dependencies_for,
    find_browser,
    find_node,
    prove,
)

CODEX_HANDLER = f"scripts/{next(row.handler for row in HARNESSES if row.provider == 'codex')}"


def run(
    build: Build,
    *,
    only: Sequence[str] = (),
    node: str | None = None,
    install: bool = False,
    pristine_client: Tree | None = None,
) -> list[ProofResult]:
    """Run the contracts, or those in `only`, on the pristine and on the patched tree of `build`.

    pristine_client: `client/dist` of the pristine sources. With it the contracts of the client are run too.
    Raises `UsageError` (no such contract), `NodeMissing`, `DependenciesMissing`, `BrowserMissing`.
    """
    contracts = chosen(only, client=pristine_client is not None)
    runtime = find_node(node)
    pristine = {**build.upstream.tree, **(pristine_client or {})}
    with progress(2 * len(contracts)) as advance:

        def tell(said: str) -> None:
            advance(said, int(": " in said))  # `contract: tree` is a step, what `dependencies_for` says is none

        modules = dependencies_for(
            pristine["package.json"].data,
            node=runtime,
            install=install,
            progress=tell,
            command=f"sidecar-patcher prove --upstream {build.upstream.spec}",
        )
        return prove(
            pristine,
            build.tree,
            contracts=contracts,
            node=runtime,
            node_modules=modules,
            handler_source=build.added[CODEX_HANDLER].data.decode(),
            progress=tell,
        )


def chosen(only: Sequence[str], *, client: bool) -> list[Contract]:
    """The contracts of these names, or all; those of the client with `client` only, and with a browser to see them.

    Raises `UsageError` for an unknown name, `BrowserMissing`.
    """
    contracts = (*CONTRACTS, *(CLIENT_CONTRACTS if client else ()))
    known = {contract.id for contract in contracts}
    if not client and (left_out := {contract.id for contract in CLIENT_CONTRACTS}.intersection(only)):
        raise UsageError(f"{', '.join(sorted(left_out))} looks at the built client", hint="add `--client`")
    unknown = [name for name in only if name not in known]
    if unknown:
        hint = f"there are: {', '.join(sorted(known))}"
        raise UsageError(f"there is no contract {', '.join(unknown)}", hint=hint)
    found = [contract for contract in contracts if not only or contract.id in only]
    if any(contract in CLIENT_CONTRACTS for contract in found):
        find_browser()
    return found


def refuse_if_red(results: Sequence[ProofResult]) -> None:
    """Raise `ContractRefused`, with every contract that is not red on pristine and green on patched."""
    refused = [f"{result.contract.id}: {result.message}" for result in results if not result.ok]
    if refused:
        hint = "`sidecar-patcher prove --only CONTRACT` runs one again; nothing was written"
        raise ContractRefused("; ".join(refused), hint=hint)


def as_report(results: Sequence[ProofResult]) -> dict[str, Any]:
    """The fields of the JSON report that are about contracts."""
    contracts = [
        {
            "id": result.contract.id,
            "summary": result.contract.summary,
            "ok": result.ok,
            "pristine": {"green": result.red.green, "said": result.red.said},
            "patched": {"green": result.green.green, "said": result.green.said},
            "patches": list(result.contract.patches),
            "message": result.message,
        }
        for result in results
    ]
    errors = [
        {"code": ContractRefused.code, "where": result.contract.id, "message": result.message, "hint": ""}
        for result in results
        if not result.ok
    ]
    return {"ok": not errors, "contracts": contracts, "errors": errors}
