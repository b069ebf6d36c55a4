"""Contracts: the test bed that they use, and their proof: red on the pristine tree, green on the patched one."""

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from patcher.errors import PatcherError
from patcher.model import Contract, Line, Observation, Tree
from patcher.node.find import Node
from patcher.prove.directories import lay_out, scrubbed_environment
from patcher.prove.sample import SampleSession
from patcher.prove.sidecar import NotObserved, Sidecar

__all__ = [
    "Contract",
    "HandlerMissing",
    "HandlerNotSilent",
    "HandlerRun",
    "Observation",
    "ProofResult",
    "TestBed",
    "both_beds",
    "in_short",
    "observe",
    "prove",
]

_HANDLER_TIMEOUT = 20.0
_ERROR = re.compile(r"\w*Error\b.*:")
_NATIVE = "server/lib/codex-ingest.js"


def in_short(observed: str) -> str:
    """The text of an observation in one line, with the error in its log, if there is one."""
    first, *log = observed.splitlines() or ["no text"]
    error = next((line for line in log if _ERROR.match(line)), "")
    short = first.partition("; its log")[0]
    return f"{short}: {error}" if error else short


@dataclass(frozen=True)
class HandlerRun:
    """One run of the hook handler: exit code, complete output, duration."""

    code: int
    output: str
    seconds: float

    @property
    def silent(self) -> bool:
        """Whether it exited with 0 and without output: anything else disturbs the user's turn."""
        return self.code == 0 and not self.output


class HandlerNotSilent(NotObserved):
    """The hook handler printed something, or did not exit with 0."""


class HandlerMissing(NotObserved):
    """No chosen series adds the hook handler."""


@dataclass(frozen=True)
class TestBed:
    """The tree under test, with helpers. The handler is outside of the trees, so that both use the same one.

    native: upstream itself monitors Codex, by a hook route and an ingest of its own (the v2 line).
    """

    __test__ = False  # the name begins with `Test`, but this is not a pytest class

    tree: str
    pristine_tree: str
    handler: str
    node: Node
    work: str
    native: bool = False

    def sidecar(self, *, existing_data: str | None = None, env: Mapping[str, str] | None = None) -> Sidecar:
        """A sidecar of the tree under test, started by `with`. existing_data: a data directory to copy for it."""
        return Sidecar(self.tree, self.node, work=self.work, existing_data=existing_data, env=env)

    def pristine_sidecar(self, *, existing_data: str | None = None, env: Mapping[str, str] | None = None) -> Sidecar:
        """The same of the pristine tree, to create a database for the tree under test."""
        return Sidecar(self.pristine_tree, self.node, work=self.work, existing_data=existing_data, env=env)

    def run_handler(self, payload: Mapping[str, Any], sidecar: Sidecar) -> HandlerRun:
        """Run the Codex hook handler as Codex does: one payload on stdin. It does not wait for the sidecar's answer.

        Raises `HandlerMissing` on a tree without our series, which adds it.
        """
        if not os.path.getsize(self.handler):
            raise HandlerMissing("the tree has no Codex hook handler: the series `codex` brings it")
        env = scrubbed_environment(sidecar.home)
        env["CLAUDE_DASHBOARD_PORT"] = str(sidecar.port)
        began = time.monotonic()
        done = subprocess.run(
            [self.node.path, self.handler],
            input=json.dumps(payload).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.work,
            env=env,
            timeout=_HANDLER_TIMEOUT,
            check=False,
        )
        return HandlerRun(done.returncode, done.stdout.decode("utf-8", "replace"), time.monotonic() - began)

    def run_handlers(self, payloads: Iterable[Mapping[str, Any]], sidecar: Sidecar) -> None:
        """Run the handler for each payload, in order. Raises `HandlerNotSilent`."""
        for payload in payloads:
            run = self.run_handler(payload, sidecar)
            if not run.silent:
                raise HandlerNotSilent(f"the hook handler exited with {run.code} and printed {run.output[:300]!r}")

    def start_session(self, codex: SampleSession, sidecar: Sidecar) -> None:
        """Send the first hook of a session. Where upstream reads rollouts itself, write the first lines before it.

        Codex fires SessionStart after it has written `session_meta` and `task_started`.
        """
        if self.native:
            self.write_rollout(codex.rollout_path, codex.rollout[:2])
        self.run_handlers(codex.hooks[:1], sidecar)

    def send_hooks(self, payloads: Iterable[Mapping[str, Any]], sidecar: Sidecar) -> None:
        """Send hooks, by upstream's own route where this line has one, else through our handler."""
        if not self.native:
            self.run_handlers(payloads, sidecar)
            return
        for payload in payloads:
            sidecar.request(
                "POST", "/api/hooks/codex", {"hook_type": payload["hook_event_name"], "data": dict(payload)}
            )

    def write_rollout(self, path: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append lines to a rollout file, as Codex does; create it if needed."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


@dataclass(frozen=True)
class ProofResult:
    """The observations of one contract on both trees.

    ok: red on the pristine tree and green on the patched one; for a superseded contract green on both.
    """

    contract: Contract
    pristine: Observation
    patched: Observation
    ok: bool
    message: str
    superseded: bool = False


@contextlib.contextmanager
def both_beds(
    pristine: Tree, patched: Tree, *, node: Node, node_modules: str | None, handler_source: str
) -> Iterator[tuple[TestBed, TestBed]]:
    """A test bed for the pristine tree and one for the patched tree, in one temporary directory."""
    prefix = "sidecar-patcher-prove-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as made:
        work = os.path.realpath(made)
        handler = os.path.join(work, "codex-hook-handler.js")
        with open(handler, "w", encoding="utf-8") as file:
            file.write(handler_source)
        pristine_tree = lay_out(pristine, os.path.join(work, "pristine"), node_modules)
        patched_tree = lay_out(patched, os.path.join(work, "patched"), node_modules)
        native = _NATIVE in pristine
        yield (
            TestBed(pristine_tree, pristine_tree, handler, node, work, native),
            TestBed(patched_tree, pristine_tree, handler, node, work, native),
        )


def observe(contract: Contract, bed: TestBed) -> Observation:
    """Run one contract. Where the sidecar fails, or its answer has an unexpected shape, `observed` is False.

    Raises `PatcherError` where this machine lacks something.
    """
    try:
        result: object = contract.observe(bed)
        if isinstance(result, Observation):
            return result
        problem = f"expected an Observation from `observe` of {contract.id}, found {type(result).__name__}"
    except PatcherError:
        raise
    except NotObserved as error:
        problem = str(error)
    except subprocess.TimeoutExpired:
        problem = f"the handler still ran after {_HANDLER_TIMEOUT:g} s"
    except Exception as error:  # noqa: BLE001 - a missing field, table, row, file, or another type than expected
        problem = _another_shape(error)
    return Observation(green=False, said=problem, observed=False)


def _another_shape(error: Exception) -> str:
    """A sentence on an unexpected exception in a contract, with the line of the contract."""
    frames = traceback.extract_tb(error.__traceback__)
    in_contract = [each for each in frames if os.path.basename(os.path.dirname(each.filename)) == "contracts"]
    at = [*frames, *in_contract][-1]
    what = f"there is no {error}" if isinstance(error, KeyError) else " ".join(str(error).split()) or "no detail"
    where = f"{type(error).__name__} at {os.path.basename(at.filename)}:{at.lineno}"
    return f"the sidecar has another shape than the contract expects: {what} ({where})"


def prove(
    pristine: Tree,
    patched: Tree,
    *,
    contracts: Iterable[Contract],
    node: Node,
    node_modules: str | None,
    handler_source: str,
    superseded: Container[str] = (),
    line: Line = Line.V1,
    progress: Callable[[str], None] = lambda message: None,
) -> list[ProofResult]:
    """Run each contract on both trees, on real sidecars, one at a time.

    handler_source: text of the rendered Codex hook handler. superseded: ids of the patches that are declared
    superseded for this `line` of upstream. Leaves no process and no file, even when interrupted.
    """
    results = []
    made = both_beds(pristine, patched, node=node, node_modules=node_modules, handler_source=handler_source)
    with made as (on_pristine, on_patched):
        for contract in contracts:
            progress(f"{contract.id}: pristine")
            before = observe(contract, on_pristine)
            progress(f"{contract.id}: patched")
            after = observe(contract, on_patched)
            is_superseded = bool(contract.patches) and all(patch in superseded for patch in contract.patches)
            if is_superseded:
                problem, otherwise = _superseded_problem(contract, before, after, line), before.said
            else:
                problem, otherwise = _problem(contract, before, after), after.said
            results.append(ProofResult(contract, before, after, not problem, problem or otherwise, is_superseded))
    return results


def _superseded_problem(contract: Contract, pristine: Observation, patched: Observation, line: Line) -> str:
    """Why a superseded contract is not green on both trees; empty where it is."""
    owners = ", ".join(contract.patches)
    if pristine.observed and not pristine.green:
        return f"{owners}: declared superseded for the {line} line, but upstream does not do it: {pristine.said}"
    if pristine.observed and patched.observed and not patched.green:
        return f"upstream does it itself, and the patched tree no longer does: {patched.said}"
    return _unobserved(pristine, patched)


def _problem(contract: Contract, pristine: Observation, patched: Observation) -> str:
    if pristine.green:
        owners = ", ".join(contract.patches)
        return f"retire {owners}: upstream does it itself, on the pristine tree {pristine.said}"
    if pristine.observed and patched.observed and not patched.green:
        return f"red on the patched tree: {patched.said}"
    return _unobserved(pristine, patched)


def _unobserved(pristine: Observation, patched: Observation) -> str:
    for tree, observation in (("pristine", pristine), ("patched", patched)):
        if not observation.observed:
            return f"could not be observed on the {tree} tree: {observation.said}"
    return ""
