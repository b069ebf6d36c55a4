"""Every command that a bump prints works as it is printed; what a person types wrongly is said with what is right."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patcher.cli import parser
from patcher.prove import find_node
from tests.lab.bump_replay import pulls
from tests.support import ROOT, CommandLine, Ended, Repository, impatient

DB, HOOKS, SESSIONS = "server/db.js", "server/routes/hooks.js", "server/routes/sessions.js"
COMING_IN = "// Whatever a hook sends comes in here.\n"
DRIFT = (
    (DB, "module.exports = {", "module.exports = {\n  drifted: 1,"),
    (HOOKS, "JSON.stringify(data)", "serialized(data)"),
    (HOOKS, COMING_IN, f"const serialized = (data) => JSON.stringify(data);\n\n{COMING_IN}"),
)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The builtin sidecar, and a branch with two drifts whose tip has the version of the last tag."""
    path = tmp_path_factory.mktemp("commands") / "up stream"
    shutil.copytree(ROOT / "fixtures/sidecar", path)
    made = Repository(path)
    made.git("init", "--quiet", "--initial-branch=main")
    commit(made, "v1.5.0")
    made.git("tag", "v1.5.0")
    for file, old, new in DRIFT:
        text = (path / file).read_text()
        assert text.count(old) == 1
        (path / file).write_text(text.replace(old, new))
    commit(made, "drift")
    return path


def commit(repository: Repository, subject: str) -> None:
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", subject)


def bump(cli: CommandLine, upstream: Path, to: str = "main", *more: str) -> Ended:
    return cli("bump", "--upstream", str(upstream), "--to", to, *more)


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (each for inner in value.values() for each in strings(inner))
    elif isinstance(value, list):
        yield from (each for inner in value for each in strings(inner))


def in_report(report: object) -> list[str]:
    """The commands that stand in a report: as a field, or between back-ticks in a sentence."""
    found = [text for text in strings(report) if text.startswith("sidecar-patcher ") and "`" not in text]
    return list(dict.fromkeys([*found, *(each for text in strings(report) for each in pulls.printed(text))]))


def acceptable(report: Any) -> list[str]:
    """Without those that show why a gate refused a candidate: see `test_any_other_candidate_can_be_looked_at`."""
    candidates = [each for place in report["bump"]["places"] for each in place["candidates"]]
    refused = {each["command"] for each in candidates if each["tried"]["problems"]}
    return [command for command in in_report(report) if command not in refused]


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_every_printed_command_works(cli: CommandLine, upstream: Path, form: str) -> None:
    ended = bump(cli, upstream, "main", "--format", form)
    commands = acceptable(json.loads(ended.out)) if form == "json" else pulls.printed(ended.out)
    assert ended.code == 3 and len(commands) >= (0 if form == "github" else 4)
    for command in commands:
        words = shlex.split(command)[1:]
        parser().parse_args(words)
        if "--write" not in words:  # those are for a checkout that may change: see below
            done = cli(*words)
            shows_stops = words[0] == "bump" and "--accept" not in words
            assert done.code == (3 if shows_stops else 0), (command, done.err)


def test_what_is_accepted_is_shown_and_nothing_is_written(cli: CommandLine, upstream: Path) -> None:
    before = {path: path.read_bytes() for path in (ROOT / "patcher/patches").glob("*.py")}
    ended = bump(cli, upstream, "main", "--accept", "harness_column.statement=1", "record_hooks_once.insert=1")
    assert ended.code == 0 and "took  1  the same anchor, a new pin" in ended.out
    command = next(each for each in pulls.printed(ended.out) if "--write" in each)
    assert command.endswith("--to main --accept harness_column.statement=1 record_hooks_once.insert=1 --write")
    assert {path: path.read_bytes() for path in before} == before


def test_one_of_two_is_a_stop_and_says_which_is_left(cli: CommandLine, upstream: Path) -> None:
    ended = bump(cli, upstream, "main", "--accept", "harness_column.statement=1")
    assert ended.code == 3 and "next  Read record_hooks_once.insert: " in ended.out and "--write" not in ended.out


def test_any_other_candidate_can_be_looked_at(cli: CommandLine, upstream: Path) -> None:
    report = json.loads(bump(cli, upstream, "main", "--format", "json").out)
    place = next(each for each in report["bump"]["places"] if each["patch"] == "record_hooks_once")
    assert len(place["candidates"]) > 1
    likeness = [each["likeness"] for each in place["candidates"]]
    assert likeness == sorted(likeness, reverse=True) and likeness[0] > 0.9
    for each in place["candidates"]:
        ended = cli(*shlex.split(each["command"])[1:])
        assert ended.code == (0 if each["tried"]["gates"] else 4)


def test_a_place_that_is_fine_takes_nothing(cli: CommandLine, upstream: Path) -> None:
    ended = bump(cli, upstream, "v1.5.0", "--accept", "harness_column.statement=3")
    assert ended.code == 0
    assert "next  harness_column.statement fits as it is: there is nothing to accept.\n" in ended.out


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ["harnes_column.statement=1"],
            "there is no site harnes_column.statement in main",
            "did you mean `harness_column.statement`?",
        ),
        (["harness_column.9=1"], "there is no site harness_column.9 in main", "did you mean `harness_column."),
        (["harness_column.statement=2"], "harness_column.statement has no candidate 2: it has 1", "shows them"),
        (
            ["harness_column.statement=1", "harness_column.statement=1"],
            "harness_column.statement is accepted twice",
            "a site takes one",
        ),
        (
            ["harness_column.statement=0"],
            "expected SITE=RANK, found 'harness_column.statement=0'",
            "for example",
        ),
        (
            ["harness_column.statement=²"],
            "expected SITE=RANK, found 'harness_column.statement=²'",
            "for example",
        ),
        (["harness_column=1"], "expected SITE=RANK, found 'harness_column=1'", "for example"),
        (
            ["harness_column.statement=-1"],
            "expected SITE=RANK, found 'harness_column.statement=-1'",
            "for example",
        ),
        (["x"], "expected SITE=RANK, found 'x'", "for example"),
    ],
)
def test_what_cannot_be_accepted(cli: CommandLine, upstream: Path, words: list[str], message: str, hint: str) -> None:
    ended = bump(cli, upstream, "main", "--accept", *words)
    assert (
        ended.code == 2
        and f"error[usage]: {message}" in ended.err
        and f"hint: {hint}" in ended.err.replace("the same command without `--accept` and `--write` ", "")
    )


def test_the_stops_come_first_and_the_rest_is_short(cli: CommandLine, upstream: Path) -> None:
    out = bump(cli, upstream).out
    assert pulls.until_the_last_stop(out) <= pulls.MOST_LINES
    assert len(out.splitlines()) - pulls.until_the_last_stop(out) <= 40
    first_words = [line.split()[0] for line in out.splitlines() if line and line[0] != " "]
    assert first_words == ["v1.5.0", "drifted", "missing", "fit", "new", "next"]


def test_all_of_what_is_new_is_shown_with_all(cli: CommandLine, upstream: Path, tmp_path: Path) -> None:
    path = tmp_path / "more"
    shutil.copytree(upstream, path)
    file = path / SESSIONS
    lines = "".join(f"  where.push({number});\n" for number in range(60))
    file.write_text(file.read_text().replace("  const where = [];\n", f"  const where = [];\n{lines}", 1))
    assert lines in file.read_text()
    commit(Repository(path), "much is new")
    short, long = bump(cli, path).out, bump(cli, path, "main", "--all").out
    assert f"{SESSIONS}, route GET /, 60 lines since v1.5.0: filter_by_harness.filter" in short
    assert "where.push(0)" in short and "where.push(59)" not in short
    assert all(f"where.push({number});" in long for number in range(60))


@pytest.mark.long
@pytest.mark.slow
def test_the_command_that_writes_works_as_printed_and_a_second_time(cli: CommandLine, upstream: Path) -> None:
    from patcher.errors import NodeMissing

    try:
        find_node(None)
    except NodeMissing as error:
        pytest.skip(f"the contracts need a Node: {error.message}")
    [command] = [each for each in pulls.printed(bump(cli, upstream).out) if "--write" in each]
    with pulls.checkout() as folder:
        impatient(folder)
        first = pulls.run(folder, command)
        assert first.code == 0 and "wrote 2 files;" in first.out
        written = {path.name: path.read_bytes() for path in (folder / "patcher/patches").glob("*.py")}
        second = pulls.run(folder, command)
        assert second.code == 0 and "nothing to write: the declarations have it all" in second.out
        assert "harness_column.statement fits as it is" in second.out
        assert {path.name: path.read_bytes() for path in (folder / "patcher/patches").glob("*.py")} == written


@pytest.mark.long
def test_real_pull_requests_by_the_printed_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Without what writes, which takes minutes: `python3 .dev lab bump_replay --pulls`."""
    import os

    repository = os.environ.get("SIDECAR_UPSTREAM_REPO", "")
    if not repository:
        pytest.skip("SIDECAR_UPSTREAM_REPO does not name a clone of upstream")
    assert pulls.show(repository, write=False), capsys.readouterr().out
