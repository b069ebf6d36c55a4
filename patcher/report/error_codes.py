"""What each error code means, and what to do: `explain CODE`, and the table in `patcher/README.md`."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass

from patcher import errors


@dataclass(frozen=True)
class ErrorCode:
    """One code, or a family: `gate-…` is every code that begins so. exit_code: of a run that it ends."""

    code: str
    meaning: str
    exit_code: int
    fix: str

    def is_of(self, code: str) -> bool:
        """Whether this is the code, or its family."""
        family = self.code.removesuffix("…")
        return code == self.code or (family != self.code and code.startswith(family) and code != family)


def known() -> "list[ErrorCode]":
    """Every code, in the order of the alphabet."""
    return sorted([*_RESULTS, *_of_classes()], key=lambda each: each.code)


def of(code: str) -> ErrorCode | None:
    """What is known of a code; also as it is printed, `error[CODE]`."""
    wanted = code.removeprefix("error[").removesuffix("]")
    return next((each for each in known() if each.is_of(wanted)), None)


def to_text(found: ErrorCode) -> str:
    """For a person at a terminal."""
    return f"{found.code}: {found.meaning}\n\nwhat to do  {found.fix}\nexit code   {found.exit_code}\n"


def to_markdown() -> str:
    """The table of all codes."""
    rows = (f"| `{each.code}` | {each.exit_code} | {each.meaning} | {each.fix} |\n" for each in known())
    return f"| error | exit code | meaning | what to do |\n|---|---|---|---|\n{''.join(rows)}"


def _of_classes() -> Iterator[ErrorCode]:
    """From the source of the classes: `python -OO` has no docstrings."""
    for node in ast.parse(inspect.getsource(errors)).body:
        if isinstance(node, ast.ClassDef) and (of_class := getattr(errors, node.name)).code in _FIXES:
            meaning = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
            yield ErrorCode(of_class.code, meaning, of_class.exit_code, _FIXES[of_class.code])


_BUMP = (
    "`sidecar-patcher bump --upstream CLONE --to REF` says what changed, since which commit, and what to accept; "
    "`patcher/bump/README.md` has the whole way"
)
_RESULTS = (
    ErrorCode(
        "anchor-unreviewed",
        "Nobody has reviewed the code that a site of a patch goes into.",
        errors.EXIT_ANCHOR,
        "`sidecar-patcher pin SITE --upstream SPEC` shows it; read it, then add `--write`",
    ),
    ErrorCode("anchor-drifted", "Upstream changed the code that a site was reviewed on.", errors.EXIT_ANCHOR, _BUMP),
    ErrorCode("anchor-missing", "The code that a site goes into is not there.", errors.EXIT_ANCHOR, _BUMP),
    ErrorCode("anchor-ambiguous", "The code that a site goes into is there twice.", errors.EXIT_ANCHOR, _BUMP),
    ErrorCode(
        "anchor-tampered",
        "The input has our payloads already, and somebody edited them.",
        errors.EXIT_ANCHOR,
        "build from a pristine tree",
    ),
    ErrorCode(
        "gate-…",
        "A gate refused the patched tree: a payload does not fit where it landed.",
        errors.EXIT_REFUSED,
        "the message says what is wrong; `sidecar-patcher diff PATCH` shows the change",
    ),
    ErrorCode(
        "file-taken",
        "Upstream has a file at the path of one of ours.",
        errors.EXIT_ANCHOR,
        "give our file another path, or declare the patch superseded where upstream does the same",
    ),
    ErrorCode(
        "file-…",
        "`verify`: a file of the generated tree was edited, added or deleted.",
        errors.EXIT_DIFFERENT,
        "keep elsewhere what you need, delete the directory, and build it again",
    ),
    ErrorCode(
        "doctor-…",
        "A check of `doctor` failed; the code ends with the name of the check.",
        errors.EXIT_DIFFERENT,
        "do what its `do` says, that of the first one first",
    ),
    ErrorCode(
        "stdout-unwritable",
        "Standard output could not take the result; the work is done all the same.",
        errors.EXIT_IO,
        "the message says why; send it elsewhere",
    ),
    ErrorCode("git-missing", "Git is not on this machine.", errors.EXIT_IO, "install git, or give a directory"),
    ErrorCode(
        errors.DANGLING,
        "A symbolic link that would travel points to nothing.",
        errors.EXIT_IO,
        "the message names the link; give a complete checkout, or a git ref",
    ),
    ErrorCode("bug", "An exception that nobody expected: a bug of ours.", errors.EXIT_BUG, "report the lines above it"),
)
_FIXES = {
    "usage": "the message names what is there; `--help` shows the options",
    "upstream-unreadable": "give `builtin`, a directory, a .tgz, or REPOSITORY@REF; the message says what was found",
    "upstream-not-agent-dashboard": "give a tree whose `package.json` has the name `agent-dashboard`",
    "upstream-no-such-ref": "`git fetch --tags` in the clone, or another ref",
    "upstream-incomplete-clone": "the message has the command; nothing is fetched unasked",
    "upstream-unrelated-histories": "name the refs one by one",
    "upstream-empty-range": "`git fetch --tags` in the clone, or name the refs one by one",
    "upstream-unsafe-path": "give a tree without it; such an archive is not unpacked",
    "upstream-not-the-file": "the message has the command; then give the checkout as a directory",
    "upstream-submodule": "`git submodule update --init --recursive` in a checkout, and give that",
    "upstream-conflict-markers": "give a commit in which the merge is finished",
    "upstream-name-not-utf8": "rename it upstream, or give a tree without it",
    "upstream-not-utf8": "give a tree in which the file is UTF-8",
    "output-unwritable": "the message says why; what was there is unchanged",
    "output-not-ours": "give another `--out`, or move the directory away; there is no `--force`",
    "output-tampered": "`sidecar-patcher verify DIR` names the files; keep what you need, delete the directory",
    "report-unwritable": "the message says why; name another file",
    "disk-failed": "is there space, and permission? Then type the command again",
    "manifest-unreadable": "name a directory that `build` made, or build it again",
    "not-reversible": "build it again from upstream",
    "lock-unreadable": "in a checkout `git checkout` the file, else install again",
    "splices-overlap": "let one of the two patches `require` the other",
    "series-invalid": "correct the declaration that the message names",
    "file-kind-unsupported": "take that edit out of the series; a file of ours may be of any kind",
    "contract-refused": "`sidecar-patcher prove --only CONTRACT` shows what was observed on both trees",
    "client-missing": "give a checkout or a git ref: npm packages have no client sources",
    "client-build-failed": "the message has the end of its output; nothing was written",
    "browser-missing": "install Chromium (or name one in `SIDECAR_BROWSER`) and Playwright, or leave `--client` out",
    "node-missing": "install Node 22.5 or newer, give `--node PATH`, or `pip install 'sidecar-patcher[prove]'`",
    "dependencies-missing": "the same command with `--install`",
    "pins-unreadable": "`git checkout` the file, or install again",
    "declaration-unclear": "write the anchor out as its neighbours are, or add the new one by hand",
    "declarations-read-only": "run it in a checkout of sidecar-patcher that you can write",
    "declarations-changed": "run it again; nothing was written",
}
