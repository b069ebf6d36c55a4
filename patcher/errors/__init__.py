"""Every expected error, with its code and its exit code. No other module decides an exit code.

Each error has the place, what was expected and found, and the next command as `hint`.
"""

from patcher.errors.text import printable

EXIT_DONE, EXIT_DIFFERENT, EXIT_USAGE, EXIT_ANCHOR, EXIT_REFUSED, EXIT_IO = range(6)
EXIT_BUG, EXIT_INTERRUPTED = 70, 130

DANGLING = "upstream-dangling-link"  # code of an `UpstreamUnreadable`: a copied link would point to nothing


class PatcherError(Exception):
    """Base of all expected errors. `code` is stable, for scripts to match.

    Message, place and hint are made `printable`: a spec or git's output may contain a password.
    """

    code = "error"
    exit_code = EXIT_IO

    def __init__(self, message: str, *, where: str = "", hint: str = "", code: str = "") -> None:
        super().__init__(printable(message))
        self.message = printable(message)
        self.where = printable(where)
        self.hint = printable(hint)
        if code:
            self.code = code

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n\nhint: {self.hint}" if self.hint else ""
        return f"error[{self.code}]: {place}{self.message}{hint}"


class UsageError(PatcherError):
    """The command line asks for something that does not exist."""

    code = "usage"
    exit_code = EXIT_USAGE


class UpstreamUnreadable(PatcherError):
    """The upstream spec names nothing that exists, or something that cannot be read."""

    code = "upstream-unreadable"


class NotThisPackage(UpstreamUnreadable):
    """There is a tree, but it is not `agent-dashboard`."""

    code = "upstream-not-agent-dashboard"


class NoSuchRef(UpstreamUnreadable):
    """The repository has no commit of this name."""

    code = "upstream-no-such-ref"


class IncompleteClone(UpstreamUnreadable):
    """A shallow or partial clone: required history or contents are not on this machine."""

    code = "upstream-incomplete-clone"


class UnrelatedHistories(UpstreamUnreadable):
    """The two ends of a range have no commit in common."""

    code = "upstream-unrelated-histories"


class EmptyRange(UpstreamUnreadable):
    """The range is empty: it has no tag, or no commit that changes the files."""

    code = "upstream-empty-range"


class UnsafePath(UpstreamUnreadable):
    """A member of an archive or tree leaves it, by `..`, an absolute path or a symlink."""

    code = "upstream-unsafe-path"


class NotTheFile(UpstreamUnreadable):
    """A file is only a placeholder: a pointer of Git LFS or git-annex, or encrypted bytes."""

    code = "upstream-not-the-file"


class SubmoduleThere(UpstreamUnreadable):
    """A folder that must be copied is a submodule: its files are in another repository."""

    code = "upstream-submodule"


class ConflictMarkers(UpstreamUnreadable):
    """A file was committed or left in the middle of a merge."""

    code = "upstream-conflict-markers"


class NameNotUtf8(UpstreamUnreadable):
    """The name of a copied file is not UTF-8."""

    code = "upstream-name-not-utf8"


class NotUtf8(UpstreamUnreadable):
    """A file that a patch needs is not UTF-8."""

    code = "upstream-not-utf8"


class OutputUnwritable(PatcherError):
    """The output cannot be written: read-only, full, or blocked."""

    code = "output-unwritable"


class OutputNotOurs(PatcherError):
    """The output directory exists, has files, and has no manifest of ours."""

    code = "output-not-ours"


class OutputTampered(PatcherError):
    """The generated tree was edited: replacing it would lose that work."""

    code = "output-tampered"
    exit_code = EXIT_ANCHOR


class ReportUnwritable(PatcherError):
    """A report cannot be written to the given file."""

    code = "report-unwritable"


class LibraryMissing(PatcherError):
    """An option needs a library from an extra of this package that is not installed."""

    code = "library-missing"


class DiskFailed(PatcherError):
    """A file could not be read or written, and no more specific error applies."""

    code = "disk-failed"


class ManifestUnreadable(PatcherError):
    """A directory has no manifest, or one that this version cannot read."""

    code = "manifest-unreadable"


class NotReversible(PatcherError):
    """Markers are broken, or the text without our splices is not what upstream shipped."""

    code = "not-reversible"
    exit_code = EXIT_ANCHOR


class VerifiedUnreadable(PatcherError):
    """The record of the verified facts about our own files, a part of the tool, is missing or damaged."""

    code = "verified-unreadable"


class OverlappingSplices(PatcherError):
    """Two edits want the same characters."""

    code = "splices-overlap"
    exit_code = EXIT_ANCHOR


class SeriesError(PatcherError):
    """A series has an invalid declaration: an unknown `requires`, a name used twice, a pattern that is not code."""

    code = "series-invalid"
    exit_code = EXIT_USAGE


class NoSuchSeries(PatcherError):
    """`--series` names neither our series, nor a directory with a `series.py`, nor a package that has one."""

    code = "series-missing"
    exit_code = EXIT_USAGE


class SeriesNotLoaded(PatcherError):
    """The Python code of a series raised an exception."""

    code = "series-not-loaded"
    exit_code = EXIT_USAGE


class SettingsUnreadable(PatcherError):
    """`sidecar.toml` in the working directory is damaged, or has an unknown key."""

    code = "settings-unreadable"
    exit_code = EXIT_USAGE


class TemplateUnusable(PatcherError):
    """A template is missing, cannot be read, is outside of its series, or does not render."""

    code = "template-unusable"
    exit_code = EXIT_USAGE


class FileKindUnsupported(PatcherError):
    """A patch names a file that is neither JavaScript nor TypeScript: no grammar here reads it."""

    code = "file-kind-unsupported"
    exit_code = EXIT_REFUSED


class ContractRefused(PatcherError):
    """A contract is red on the patched tree, or already green on the pristine one."""

    code = "contract-refused"
    exit_code = EXIT_REFUSED


class ClientMissing(UpstreamUnreadable):
    """`--client` was given, and the tree has no client sources."""

    code = "client-missing"


class ClientBuildFailed(PatcherError):
    """Upstream's own tool chain refused the patched client."""

    code = "client-build-failed"
    exit_code = EXIT_REFUSED


class BrowserMissing(PatcherError):
    """A contract of the client needs a browser, and none was found."""

    code = "browser-missing"


class NodeMissing(PatcherError):
    """No Node that has `node:sqlite` (22.5 or newer) could be found."""

    code = "node-missing"


class DependenciesMissing(PatcherError):
    """The upstream tree needs npm packages that are not in the cache."""

    code = "dependencies-missing"


class PinsUnreadable(PatcherError):
    """A record of pins is missing, damaged, or names a site that no patch has."""

    code = "pins-unreadable"


class DeclarationUnclear(PatcherError):
    """A patch declaration is not written out in the way that `bump --write` can add to."""

    code = "declaration-unclear"
    exit_code = EXIT_USAGE


class DeclarationsReadOnly(PatcherError):
    """The patch declarations cannot be written: part of an installed package, or read-only."""

    code = "declarations-read-only"


class DeclarationsChanged(PatcherError):
    """A declaration was edited while `bump` ran."""

    code = "declarations-changed"


class DiffUnusable(PatcherError):
    """The diff for `adopt` does not apply, or is not a diff."""

    code = "diff-unusable"


class AnotherVersion(PatcherError):
    """The edited tree was made from another version of upstream."""

    code = "edited-another-version"


class SeriesNotAdoptable(PatcherError):
    """The directory has a series that does not list what `adopt` writes, or those files were edited."""

    code = "series-not-adoptable"
    exit_code = EXIT_USAGE
