"""The contracts, on what a build produced: choose them, run them, and say what was seen."""

from collections.abc import Sequence
from typing import Any

from patcher.errors import ContractRefused, UsageError
from patcher.harnesses import HARNESSES
from patcher.model import Build
from patcher.progress import progress
from patcher.prove import CONTRACTS, Contract, ProofResult, dependencies_for, find_node, prove

CODEX_HANDLER = f"scripts/{next(row.handler for row in HARNESSES if row.provider == 'codex')}"


def run(build: Build, *, only: Sequence[str] = (), node: str | None = None, install: bool = False) -> list[ProofResult]:
    """Run the contracts, or those in `only`, on the pristine and on the patched tree of `build`.

    Raises `UsageError` (no such contract), `NodeMissing`, `DependenciesMissing`.
    """
    contracts = _chosen(only)
    runtime = find_node(node)
    pristine = build.upstream.tree
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


def _chosen(only: Sequence[str]) -> list[Contract]:
    known = {contract.id for contract in CONTRACTS}
    unknown = [name for name in only if name not in known]
    if unknown:
        hint = f"there are: {', '.join(sorted(known))}"
        raise UsageError(f"there is no contract {', '.join(unknown)}", hint=hint)
    return [contract for contract in CONTRACTS if not only or contract.id in only]


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
