"""Every way to fail has a code, an exit code, and words."""

import pytest

from patcher import errors
from patcher.errors import PatcherError
from tests.support import CommandLine


def every_class(of: type[PatcherError] = PatcherError) -> list[type[PatcherError]]:
    return [each for child in of.__subclasses__() for each in (child, *every_class(child))]


CODES = {
    "UsageError": ("usage", 2),
    "UpstreamUnreadable": ("upstream-unreadable", 5),
    "NotThisPackage": ("upstream-not-agent-dashboard", 5),
    "NoSuchRef": ("upstream-no-such-ref", 5),
    "IncompleteClone": ("upstream-incomplete-clone", 5),
    "UnrelatedHistories": ("upstream-unrelated-histories", 5),
    "EmptyRange": ("upstream-empty-range", 5),
    "UnsafePath": ("upstream-unsafe-path", 5),
    "NotTheFile": ("upstream-not-the-file", 5),
    "SubmoduleThere": ("upstream-submodule", 5),
    "ConflictMarkers": ("upstream-conflict-markers", 5),
    "NameNotUtf8": ("upstream-name-not-utf8", 5),
    "NotUtf8": ("upstream-not-utf8", 5),
    "OutputUnwritable": ("output-unwritable", 5),
    "OutputNotOurs": ("output-not-ours", 5),
    "OutputTampered": ("output-tampered", 3),
    "ReportUnwritable": ("report-unwritable", 5),
    "LibraryMissing": ("library-missing", 5),
    "DiskFailed": ("disk-failed", 5),
    "ManifestUnreadable": ("manifest-unreadable", 5),
    "NotReversible": ("not-reversible", 3),
    "VerifiedUnreadable": ("verified-unreadable", 5),
    "OverlappingSplices": ("splices-overlap", 3),
    "SeriesError": ("series-invalid", 2),
    "NoSuchSeries": ("series-missing", 2),
    "SeriesNotLoaded": ("series-not-loaded", 2),
    "DiffUnusable": ("diff-unusable", 5),
    "AnotherVersion": ("edited-another-version", 5),
    "SeriesNotAdoptable": ("series-not-adoptable", 2),
    "SettingsUnreadable": ("settings-unreadable", 2),
    "TemplateUnusable": ("template-unusable", 2),
    "FileKindUnsupported": ("file-kind-unsupported", 4),
    "ContractRefused": ("contract-refused", 4),
    "ClientMissing": ("client-missing", 5),
    "ClientBuildFailed": ("client-build-failed", 4),
    "BrowserMissing": ("browser-missing", 5),
    "NodeMissing": ("node-missing", 5),
    "DependenciesMissing": ("dependencies-missing", 5),
    "PinsUnreadable": ("pins-unreadable", 5),
    "DeclarationUnclear": ("declaration-unclear", 2),
    "DeclarationsReadOnly": ("declarations-read-only", 5),
    "DeclarationsChanged": ("declarations-changed", 5),
}


def test_every_class_has_its_code_and_exit_code() -> None:
    found = {
        each.__name__: (each.code, each.exit_code) for each in every_class() if each.__module__ == "patcher.errors"
    }
    assert found == CODES


def test_no_two_classes_share_a_code() -> None:
    codes = [each.code for each in every_class()]
    assert len(set(codes)) == len(codes)


def test_every_class_says_what_it_is_for() -> None:
    assert [each.__name__ for each in every_class() if not (each.__doc__ or "").endswith(".")] == []


def test_the_exit_codes_are_those_of_the_design() -> None:
    named = {name: value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert sorted(named.values()) == [0, 1, 2, 3, 4, 5, 70, 130]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 70, 130])
def test_the_help_explains_every_exit_code(cli: CommandLine, code: int) -> None:
    assert f"\n  {code:<4} " in cli("--help").out


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(PatcherError("it broke"), "error[error]: it broke", id="a message alone"),
        pytest.param(PatcherError("it broke", where="a.js:1"), "error[error]: a.js:1: it broke", id="with a place"),
        pytest.param(
            PatcherError("it broke", hint="mend it"), "error[error]: it broke\n\nhint: mend it", id="with a hint"
        ),
        pytest.param(
            errors.UsageError("it broke", where="a.js", hint="mend it", code="other"),
            "error[other]: a.js: it broke\n\nhint: mend it",
            id="with everything",
        ),
    ],
)
def test_an_error_reads(error: PatcherError, text: str) -> None:
    assert str(error) == text


def test_a_code_of_its_own_does_not_stay_with_the_class() -> None:
    errors.UpstreamUnreadable("no git", code="git-missing")
    assert errors.UpstreamUnreadable("x").code == "upstream-unreadable"
