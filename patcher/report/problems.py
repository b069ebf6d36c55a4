"""The problems of each kind of result; a report with a problem is not `ok`."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from patcher.errors import ContractRefused
from patcher.model import Build, GateResult, Patch
from patcher.report.model import Problem, Report, declared, position
from patcher.verify import explained

if TYPE_CHECKING:
    from patcher.bump.model import Bump, Culprit, SiteReport
    from patcher.doctor.check import Check
    from patcher.matrix.model import Matrix
    from patcher.prove.contract import ProofResult

_WRONG_PAYLOAD = "the payload or its anchor is wrong for this upstream; `sidecar-patcher diff` shows what it does"


def of_build(build: Build) -> tuple[Problem, ...]:
    """Every finding that stops, and every gate that refused."""
    return (*map(Problem.of_stop, build.stops), *(_of_gate(gate) for gate in build.gates if not gate.ok))


def _of_gate(gate: GateResult) -> Problem:
    message = gate.message.removeprefix(f"{gate.where}: ")  # `where` is printed before the message
    return Problem(f"gate-{gate.id}", gate.where, message, gate.hint or _WRONG_PAYLOAD)


def report_of(command: str, build: Build) -> Report:
    """The report of a build."""
    return Report(command, build, of_build(build))


def of_contracts(results: "Sequence[ProofResult]") -> tuple[Problem, ...]:
    """Every contract that does not have the required result on both trees."""
    return tuple(Problem(ContractRefused.code, each.contract.id, each.message) for each in results if not each.ok)


def of_checks(checks: "Sequence[Check]") -> tuple[Problem, ...]:
    """Every check of `doctor` that failed."""
    return tuple(
        Problem(f"doctor-{each.id}", each.title, each.detail, each.fix) for each in checks if each.state == "not ok"
    )


def of_differences(found: Iterable[tuple[str, str]]) -> tuple[Problem, ...]:
    """The files of a generated tree that differ from its manifest. found: pairs of `edited` etc. and the path."""
    return tuple(Problem(f"file-{what}", path, f"this file was {what}") for what, path in found)


def of_matrix(matrix: "Matrix", required: Collection[str], series: Sequence[Patch]) -> Iterator[Problem]:
    """The stops and refusals at the refs that must be supported."""
    for each in matrix.refs:
        if each.ref not in required:
            continue
        for finding in each.findings:
            if finding.verdict.stops:
                stop = matrix.stop_at(finding.patch, each.ref)
                hint = stop.finding.hint if stop and stop.finding else finding.hint
                where = position(finding.file, finding.line)
                message = f"{finding.patch} on {each.ref} at {where}: {finding.message}"
                yield Problem(f"anchor-{finding.verdict}", declared(finding.patch, series), message, hint)
        for reason in each.reasons if each.gates_refuse else ():
            yield Problem("gate-refused", "", f"{each.ref}: {reason}")


def of_bump(bump: "Bump") -> tuple[Problem, ...]:
    """The sites that stop, each at the declaration that has to change, then the refusals."""
    if bump.accepted:
        return of_build(bump.proposed)
    refusals = [Problem(each.code, each.where, each.message, _since(each.culprit)) for each in bump.refusals]
    known = {refusal.code for refusal in refusals}
    others = [each for each in of_build(bump.build) if not each.code.startswith("anchor-") and each.code not in known]
    return (*(_of_site(site, bump) for site in bump.sites if site.stops), *refusals, *others)


def _of_site(site: "SiteReport", bump: "Bump") -> Problem:
    finding, there = site.finding, position(site.finding.file, site.finding.line)
    patch = next(each for each in bump.declared if each.id == site.patch)
    hint = _since(site.culprit) or explained(patch, bump.until.upstream)
    message = f"{site.id} at {there}: {finding.message}"
    return Problem(f"anchor-{finding.verdict}", declared(site.patch, bump.declared) or there, message, hint)


def _since(found: "Culprit | None") -> str:
    return f"since {found.commit[:12]} ({found.date[:10]}): {found.subject}" if found else ""
