"""The typed report that a command passes to the renderers of this folder.

`as_json` maps its fields to those of the JSON report. Each field is explained where its class is defined.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from patcher.errors import EXIT_ANCHOR, EXIT_DONE, EXIT_REFUSED, PatcherError
from patcher.model import NOT_NEEDED, Build, Finding, Patch, Pin, Verdict
from patcher.patches import declaration
from patcher.verify import explained

if TYPE_CHECKING:
    from patcher.bump.model import Bump, Candidate, SiteReport
    from patcher.doctor.check import Check
    from patcher.matrix.model import Matrix
    from patcher.prove.contract import ProofResult


def position(file: str, line: int) -> str:
    """`FILE:LINE`, or only the file where there is no line."""
    return f"{file}:{line}" if line else file


def place_of(patch: str, series: Sequence[Patch]) -> tuple[str, int] | None:
    """File and line of the declaration of a patch of this series, or of ours; None where it has none.

    The path is relative to the parent of our package for a patch of ours, else absolute.
    """
    found = next((each for each in series if each.id == patch), None)
    return (declaration.declared_at(found) if found else None) or declaration.declared_by(patch)


def declared(patch: str, series: Sequence[Patch]) -> str:
    """The same as `FILE:LINE`; empty for None."""
    found = place_of(patch, series)
    return position(*found) if found else ""


@dataclass(frozen=True)
class Problem:
    """An error of the report. where: a file with its line, a check, a contract, or empty. hint: what to do, or empty.

    patch: the id of the patch that it belongs to, or empty.
    """

    code: str
    where: str
    message: str
    hint: str = ""
    patch: str = ""

    @classmethod
    def of(cls, error: PatcherError) -> Self:
        """An error that ended the run."""
        return cls(error.code, error.where, error.message, error.hint)

    @classmethod
    def of_stop(cls, finding: Finding) -> Self:
        """A finding that stops."""
        where = position(finding.file, finding.line)
        message = f"{finding.patch}: {finding.message}"
        return cls(f"anchor-{finding.verdict}", where, message, finding.hint, finding.patch)


@dataclass(frozen=True)
class CommandLine:
    """The commands of one bump, complete and quoted for a shell.

    bump: without `--accept`, `--write` and `--prove`. proving: the options with which the contracts run here.
    """

    bump: str
    proving: str = ""

    @classmethod
    def of(cls, upstream: str, until: str, since: str = "", *more: str, proving: Sequence[str] = ()) -> Self:
        """more: options that every command keeps."""
        begin = ["--from", since] if since else []
        arguments = ["sidecar-patcher", "bump", "--upstream", upstream, *more, "--to", until, *begin]
        return cls(shlex.join(arguments), shlex.join(proving))

    def accepting(self, chosen: Mapping[str, int]) -> str:
        """Shows the result of these candidates without writing it. Empty for none."""
        return f"{self.bump} --accept {_accepted(chosen)}" if chosen else ""

    def writing(self, chosen: Mapping[str, int]) -> str:
        """Writes the accepted candidates; for none, records that the sites were reviewed."""
        accept = f"--accept {_accepted(chosen)} " if chosen else ""
        return f"{self.bump} {accept}--write {self.proving}".rstrip()

    @property
    def everything(self) -> str:
        """Shows every change and every candidate."""
        return f"{self.bump} --all"


def _accepted(chosen: Mapping[str, int]) -> str:
    return " ".join(f"{site}={rank}" for site, rank in chosen.items())


@dataclass(frozen=True)
class BumpResult:
    """The result of a bump, and the commands that may follow.

    matrix: of the refs in between, only for a page. written: files, by their path in the repository.
    """

    found: "Bump"
    commands: CommandLine
    matrix: "Matrix | None" = None
    written: tuple[str, ...] = ()
    is_writing: bool = False

    @property
    def command(self) -> str:
        """Writes the chosen candidates; empty where there are none, or where the result does not build."""
        found = self.found
        return self.commands.writing(found.chosen) if found.chosen and found.proposed.ok else ""

    def hint(self, site: "SiteReport") -> str:
        """The hint of a site that stops; empty for one that fits."""
        patch = next(each for each in self.found.declared if each.id == site.patch)
        return explained(patch, self.found.until.upstream) if site.stops else ""

    @property
    def diff(self) -> str:
        """The command that shows what was written."""
        folders = sorted({os.path.dirname(path) or "." for path in self.written})
        return f"git diff {' '.join(folders)}"

    def accepting(self, site: "SiteReport", candidate: "Candidate") -> str:
        """Shows the result of this candidate together with the chosen ones of the other sites."""
        return self.commands.accepting({**self.found.chosen, site.id: candidate.rank})

    @property
    def record(self) -> str:
        """Records that a bump without a stop was reviewed; empty where there is nothing to record."""
        found = self.found
        fits = found.proposed.ok and not any(site.stops for site in found.sites)
        return self.commands.writing({}) if fits and found.unrecorded and not self.is_writing else ""


@dataclass(frozen=True)
class Report:
    """The result of a command. None: the command has no such result.

    upstream: the identity of a tree that was not built here. declared: the patches of a bump or a matrix.
    made_by: name, version and digest of each series of a generated tree. paths: the files that `revert` wrote.
    pins: by site. adopt: the outcome for each changed file, from `commands.adopt`. patch_set: the content of the page
    of `list --html`, from `commands.patch_set`. explained: a patch or an error, from `commands.explain`.
    """

    command: str
    build: Build | None = None
    problems: tuple[Problem, ...] = ()
    contracts: "tuple[ProofResult, ...] | None" = None
    bump: BumpResult | None = None
    matrix: "Matrix | None" = None
    upstream: Mapping[str, str] | None = None
    series: tuple[Patch, ...] | None = None
    checks: "tuple[Check, ...] | None" = None
    made_by: tuple[Mapping[str, str], ...] | None = None
    declared: tuple[Patch, ...] = ()
    paths: tuple[str, ...] | None = None
    pins: Mapping[str, Pin] | None = None
    written: tuple[str, ...] | None = None
    patch_set: Mapping[str, object] | None = None
    adopt: Mapping[str, object] | None = None
    explained: Mapping[str, object] | None = None

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """`EXIT_ANCHOR` for a stop, `EXIT_REFUSED` for any other problem, else `EXIT_DONE`."""
        if any(problem.code.startswith(("anchor-", "file-")) for problem in self.problems):
            return EXIT_ANCHOR
        return EXIT_REFUSED if self.problems else EXIT_DONE

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The verdict on each patch."""
        return self.build.findings if self.build else ()

    @property
    def superseded(self) -> tuple[Finding, ...]:
        """The findings on patches that this upstream makes unnecessary."""
        found = (each for each in self.findings if each.verdict is Verdict.SUPERSEDED)
        return tuple(each for each in found if not each.message.startswith(NOT_NEEDED))

    @property
    def grid(self) -> "Matrix | None":
        """The matrix: the report's own, or that of a bump."""
        return self.bump.matrix if self.bump else self.matrix

    @property
    def retired(self) -> "list[ProofResult]":
        """The contracts of a bump that are green on the pristine tree: upstream now does this itself."""
        return [each for each in self.contracts or () if self.bump and each.pristine.green and not each.ok]
