"""A report as text for a terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from patcher.manifest import upstream_identity
from patcher.model import Build, Finding, GateResult
from patcher.report.model import Problem, Report, position
from patcher.report.wording import Paint, painter, proven, tone

if TYPE_CHECKING:
    from patcher.doctor.check import Check
    from patcher.prove.contract import ProofResult

_NARROWEST, _WIDEST = 60, 100
_DIFFERENCES = {"file-edited", "file-added", "file-deleted"}  # of `verify`, a line each


def to_text(report: Report, *, colour: bool = False, everything: bool = False) -> str:
    """The report with a final newline; empty for an empty report. everything: of a bump, leave no line out."""
    paint = painter(colour=colour)
    if report.bump is not None:
        from patcher.report.bump_text import lines_of

        lines = lines_of(report, report.bump, paint, everything=everything)
    elif report.matrix is not None:
        from patcher.report.matrix_text import lines_of as matrix_lines

        lines = matrix_lines(report.matrix, paint)
    else:
        lines = _lines(report, paint)
    return "".join(f"{line}\n" for line in lines).lstrip("\n")


def _lines(report: Report, paint: Paint) -> Iterator[str]:
    if report.series is not None:
        width = max((len(patch.id) for patch in report.series), default=0)
        yield from (f"{patch.id:<{width}}  {patch.summary}" for patch in report.series)
    if report.checks is not None:
        yield from _checks(report.checks)
        return
    if report.build is not None:
        yield from _build(report.build, paint)
    yield from _contracts(report.contracts or (), paint)
    for problem in report.problems:
        if problem.code in _DIFFERENCES:
            yield f"{problem.code.removeprefix('file-'):<8} {problem.where}"
        elif problem.code == "series-differ":
            yield f"series   {problem.message}"
        else:
            yield ""
            yield from _problem(problem, paint)


def _build(build: Build, paint: Paint) -> Iterator[str]:
    upstream = upstream_identity(build)
    yield "upstream {name} {version} ({ref}), tree {0}".format(upstream["tree_sha256"][:12], **upstream)
    yield ""
    width = max((len(each.patch) for each in build.findings), default=0)
    yield from (_finding(each, width, build, paint) for each in build.findings)
    if build.gates:
        yield ""
        yield _gates(build.gates, paint)


def _finding(finding: Finding, width: int, build: Build, paint: Paint) -> str:
    verdict = paint(f"{finding.verdict:<11}", tone(finding.verdict))
    is_listed = any(finding.verdict == stop.verdict for stop in build.stops)  # as an error, below
    detail = f"  {paint(finding.message, 'faint')}" if finding.message and not is_listed else ""
    return f"  {finding.patch:<{width}}  {verdict} {position(finding.file, finding.line)}{detail}"


def _gates(gates: Sequence[GateResult], paint: Paint) -> str:
    refused = [gate.id for gate in gates if not gate.ok]
    passed = paint(f"{len(gates) - len(refused)} of {len(gates)} passed", "stops" if refused else "good")
    return f"  gates  {passed}{': refused by ' + ', '.join(refused) if refused else ''}"


def _contracts(results: "Sequence[ProofResult]", paint: Paint) -> Iterator[str]:
    """For each contract the observation on both trees, and a last line with the count."""
    for each in results:
        mark = paint("proven ", "good") if each.ok else paint("REFUSED", "stops")
        yield ""
        yield f"  {mark}  {paint(each.contract.summary, 'strong')} {paint(f'({each.contract.id})', 'faint')}"
        for tree, observation in (("pristine", each.pristine), ("patched", each.patched)):
            state = "green" if observation.green else "red" if observation.observed else "not observed"
            colour = "added" if observation.green else "removed"
            yield f"    {tree:<8}  {paint(f'{state:<5}', colour)}  {observation.said}"
    if results:
        superseded = sum(each.superseded for each in results)
        yield ""
        both = f"; {superseded} of superseded patches: green on both" if superseded else ""
        yield f"  {proven([each.ok for each in results])}{both}"


def _problem(problem: Problem, paint: Paint) -> Iterator[str]:
    where = f"{problem.where}: " if problem.where else ""
    yield f"{paint(f'error[{problem.code}]', 'stops')}: {where}{problem.message}"
    if problem.hint:
        yield f"  {paint('hint', 'strong')}: {problem.hint}"


# --- the doctor ------------------------------------------------------------------------------------------------


def _checks(checks: "Sequence[Check]") -> Iterator[str]:
    import shutil

    from patcher.doctor.check import State

    width = min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size().columns))
    title, state = max(len(check.title) for check in checks), max(map(len, State))
    for check in checks:
        yield from _wrapped(f"{check.state:<{state}}  {check.title:<{title}}  ", check.detail, width)
        if check.fix:
            yield from _wrapped(f"{'':<{state}}  {'  do:':<{title}}  ", check.fix, width)


def _wrapped(head: str, text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, broken only at spaces."""
    import textwrap

    lines = textwrap.wrap(" ".join(text.split()), width - len(head), break_long_words=False, break_on_hyphens=False)
    return [f"{' ' * len(head) if number else head}{line}" for number, line in enumerate(lines)]
