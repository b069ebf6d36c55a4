"""`python3 .dev lab codex_lane.trust`: the real Codex CLI, hooks that the user switches on, and trust given once.

Each row is a fresh home. Trust is given as a person gives it, on a terminal: `Trust all and continue`. No session has
the flag that bypasses trust. Installs the Codex versions with npm, once, in `~/.cache/sidecar-patcher/npm-dev`.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256

from patcher import pipeline
from patcher.errors import PatcherError
from patcher.prove import Node, dependencies_for, proof
from patcher.prove.sidecar import NotObserved
from tests.lab.codex_lane import codex, terminal
from tests.lab.codex_lane.__main__ import OLDEST
from tests.lab.codex_lane.lane import Ground
from tests.lab.codex_lane.stage import Stage
from tests.lab.drift import nodejs

Seen = Iterator[tuple[str, object, object]]
"""What was looked at, what it has to be, what it is."""

_OTHER = {"hooks": [{"type": "command", "command": "cat >/dev/null", "timeout": 7}]}


class Hand:
    """One version on one ground; each method is a row of the table."""

    def __init__(self, version: str, program: str, ground: Ground) -> None:
        self.version, self.program, self.ground = version, program, ground
        self._handler = os.path.relpath(ground.handler, ground.tree)
        self.ours = 10 if version == OLDEST else 11  # it has no Interrupt

    def stage(self, name: str, env: Mapping[str, str] | None = None) -> AbstractContextManager[Stage]:
        """A fresh home."""
        return Stage.set_up(self.program, self.version, self.ground, name, env=env)

    def trusted_once(self) -> Seen:
        """enable, trust once, upgrade, move, restart, enable again"""
        with self.stage("trusted-once") as stage:
            yield "enable", 200, stage.switch(on=True)["status"]
            yield from self._untrusted(stage)
            stage.trust_all()
            yield "hooks/list", {"trusted": self.ours}, stage.trust()
            yield "doctor, sidecar and Codex agree", [], stage.disagreements()
            yield from self._flows(stage, "trusted")
            before = stage.identity()
            yield from self._upgraded(stage)
            stage.restart()
            yield "restart: hooks/list", {"trusted": self.ours}, stage.trust()
            yield "enable again, API", 200, stage.switch(on=True)["status"]
            yield "enable again, command", 0, stage.command("enable")
            yield "hooks.json was not written again", before, stage.identity()
            yield "enable again: hooks/list", {"trusted": self.ours}, stage.trust()
            yield from self._flows(stage, "enabled again")
            stage.switch(on=False)
            yield "disabled: hooks/list", {}, stage.trust()
            stage.switch(on=True)
            yield "disabled and enabled: hooks/list", {"trusted": self.ours}, stage.trust()
            yield from self._flows(stage, "disabled and enabled")

    def _untrusted(self, stage: Stage) -> Seen:
        yield "untrusted: hooks/list", {"untrusted": self.ours}, stage.trust()
        yield "untrusted: rows of hooks", 0, _of_hooks(stage.session())
        api = stage.sidecar.get("/api/codex-hooks")
        yield "untrusted: API", ("waiting-for-trust", "untrusted"), (api["state"], api["trust"]["state"])
        yield "untrusted: API says what to do", True, "/hooks" in json.dumps(api["missing"])
        checks = {check["id"]: check for check in stage.doctor()["checks"]}
        yield "untrusted: doctor", "not ok", checks["trust"]["state"]
        yield "untrusted: doctor says what to do", True, "/hooks" in checks["trust"]["do"]

    def _flows(self, stage: Stage, when: str) -> Seen:
        captures = stage.session()
        fewest = 5 if stage.ledger else 1  # the v2 line makes fewer rows of a session
        yield f"{when}: {fewest} rows of hooks or more, of {captures}", True, _of_hooks(captures) >= fewest
        yield f"{when}: API", "receiving", stage.sidecar.get("/api/codex-hooks")["state"]
        said = stage.doctor()
        wrong = [f"{check['id']}: {check['found']}" for check in said["checks"] if check["state"] != "ok"]
        yield f"{when}: doctor", (0, []), (said["exit_code"], wrong)

    def _upgraded(self, stage: Stage) -> Seen:
        tree = _changed_copy(
            stage.sidecar.tree, self._handler, os.path.join(self.ground.work, self.version, "moved", "v-next")
        )
        old = stage.sidecar.tree
        stage.upgrade(tree)
        try:
            deployed = _read(os.path.join(stage.sidecar.data_dir, "codex-hook-handler.js"))
            yield "upgrade: handler is the new one", True, deployed.endswith(_MARK)
            yield "upgrade, moved: hooks/list", {"trusted": self.ours}, stage.trust()
            yield from self._flows(stage, "upgrade, moved")
        finally:
            os.rename(f"{old}.gone", old)

    def entry_in_front(self) -> Seen:
        """an entry of the user's in front of ours"""
        with self.stage("in-front") as stage:
            _write(stage.hooks_path, {"hooks": {"PreToolUse": [_OTHER], "Stop": [_OTHER]}})
            original = stage.hooks_file()
            stage.trust_all()
            yield "before: theirs", {"trusted": 2}, stage.trust(ours=False)
            stage.switch(on=True)
            yield "enabled: theirs", {"trusted": 2}, stage.trust(ours=False)
            yield "enabled: ours", {"untrusted": self.ours}, stage.trust()
            stage.switch(on=False)
            yield "disabled: theirs", {"trusted": 2}, stage.trust(ours=False)
            yield "disabled: ours", {}, stage.trust()
            yield "disabled: the bytes of before", original, stage.hooks_file()

    def entry_behind(self) -> Seen:
        """an entry of the user's behind ours"""
        with self.stage("behind") as stage:
            stage.switch(on=True)
            content = json.loads(stage.hooks_file() or b"")
            for event in ("PreToolUse", "Stop"):
                content["hooks"][event].append(_OTHER)
            _write(stage.hooks_path, content)
            stage.trust_all()
            yield "before: theirs", {"trusted": 2}, stage.trust(ours=False)
            stage.switch(on=True)
            yield "enabled again: theirs", {"trusted": 2}, stage.trust(ours=False)
            yield "enabled again: ours", {"trusted": self.ours}, stage.trust()
            stage.switch(on=False)
            yield "disabled: theirs", {"trusted": 2}, stage.trust(ours=False)
            yield "disabled: ours", {}, stage.trust()
            stage.switch(on=True)
            yield "enabled: theirs", {"trusted": 2}, stage.trust(ours=False)
            yield "enabled: ours", {"trusted": self.ours}, stage.trust()

    def opted_out(self) -> Seen:
        """never opted in"""
        with self.stage("opted-out") as stage:
            yield from self._alone(stage, "never")
            _write(stage.hooks_path, {"hooks": {"Stop": [_OTHER]}})
            before = stage.identity()
            stage.switch(on=False)
            stage.restart()
            yield from self._untouched(stage, "opted out", before)

    def master_switch_off(self) -> Seen:
        """opted in, and the master switch is off"""
        with self.stage("forced-off", env={"DASHBOARD_CODEX_HOOKS": "off"}) as stage:
            stage.switch(on=True)
            api = stage.sidecar.get("/api/codex-hooks")
            yield "API", ("forced-off", True), (api["state"], api["enabled"])
            stage.restart()
            yield from self._alone(stage, "forced off")
            _write(stage.hooks_path, {"hooks": {"Stop": [_OTHER]}})
            before = stage.identity()
            stage.restart()
            yield from self._untouched(stage, "forced off", before)

    def _alone(self, stage: Stage, when: str) -> Seen:
        stage.session()
        yield f"{when}: hooks.json", None, stage.hooks_file()
        yield f"{when}: the ledger is the rollout's", [], stage.ledger_is_the_rollouts()

    def _untouched(self, stage: Stage, when: str, before: object) -> Seen:
        stage.session()
        yield f"{when}: hooks.json of the user", before, stage.identity()
        yield f"{when}: the ledger is the rollout's", [], stage.ledger_is_the_rollouts()


def _generated(spec: str, node: Node, work: str) -> Ground:
    """A generated tree as `build` writes it, manifest and all. Raises `PatcherError`."""
    tree = os.path.join(work, "generated", "tree")
    os.makedirs(os.path.dirname(tree))
    build = pipeline.build(spec, tree, waiting=lambda out: None, prove=lambda built: None)
    if not build.ok:
        raise codex.CodexFailed(f"{spec} does not build: `python -m patcher check --upstream {spec}` says why")
    modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True)
    if modules:
        os.symlink(modules, os.path.join(os.path.dirname(tree), "node_modules"))
    return Ground(tree, os.path.join(tree, *proof.codex_handler(build).split("/")), node, work)


_MARK = "// the next version of the handler\n"


def _changed_copy(tree: str, handler: str, target: str) -> str:
    """A copy of a generated tree with another handler, and a manifest that says so."""
    shutil.copytree(tree, target)
    modules = os.path.join(os.path.dirname(tree), "node_modules")
    if os.path.isdir(modules):
        os.symlink(os.path.realpath(modules), os.path.join(os.path.dirname(target), "node_modules"))
    name = handler
    with open(os.path.join(target, name), "a", encoding="utf-8") as file:
        file.write(_MARK)
    manifest = os.path.join(target, "sidecar-patcher.json")
    content = json.loads(_read(manifest))
    for entry in content["files"]:
        if entry["path"] == name:
            entry["after"] = sha256(_read(os.path.join(target, name)).encode()).hexdigest()
    _write(manifest, content)
    return target


def _of_hooks(captures: dict[str, int]) -> int:
    return captures.get("hook", 0) + captures.get("both", 0)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _write(path: str, content: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)


ROWS: tuple[Callable[[Hand], Seen], ...] = (
    Hand.trusted_once,
    Hand.entry_in_front,
    Hand.entry_behind,
    Hand.opted_out,
    Hand.master_switch_off,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when every row is as it must be, or Codex cannot be had; 1 when one is not; 2 for a bad call."""
    options = _parser().parse_args(argv)
    rows = [row for row in ROWS if not options.only or row.__name__ in options.only]
    try:
        terminal.required()
        versions = options.version or (OLDEST, codex.newest())
        programs = {version: codex.binary(version) for version in dict.fromkeys(versions)}
        node = nodejs.node()
    except nodejs.Unavailable as error:
        sys.stderr.write(f"skipped: the real Codex CLI: {error}\n")
        return 0
    work = os.path.realpath(tempfile.mkdtemp(prefix="codex-trust-"))
    try:
        ground = _generated(options.upstream, node, work)
        wrong = sum(_play(row, Hand(version, program, ground)) for version, program in programs.items() for row in rows)
    except (PatcherError, codex.CodexFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if options.keep:
            sys.stderr.write(f"kept: {work}\n")
        else:
            shutil.rmtree(work, ignore_errors=True)
    sys.stdout.write(f"{len(programs) * len(rows)} rows, {wrong} wrong, on {options.upstream}\n")
    return 1 if wrong else 0


def _play(row: Callable[[Hand], Seen], hand: Hand) -> bool:
    """Whether a row is wrong. Every look of it is said."""
    looks, problems = 0, []
    try:
        for what, expected, seen in row(hand):
            looks += 1
            if expected != seen:
                problems.append(f"{what}: expected {expected!r}, found {seen!r}")
    except (codex.CodexFailed, NotObserved) as error:
        problems.append(f"after {looks} looks: {error}")
    verdict = "WRONG" if problems or not looks else "ok"
    sys.stdout.write(f"{hand.version:<9} {str(row.__doc__):<56} {looks:>3} looks  {verdict}\n")
    sys.stdout.writelines(f"    {problem}\n" for problem in problems)
    sys.stdout.flush()
    return verdict != "ok"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.codex_lane.trust", description=__doc__)
    names = [row.__name__ for row in ROWS]
    parser.add_argument("--version", metavar="V", action="append", help=f"default: {OLDEST} and npm's newest")
    parser.add_argument("--only", metavar="ROW", action="append", choices=names, help=", ".join(names))
    parser.add_argument("--upstream", metavar="SPEC", default="builtin", help="the sidecar (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave homes, data and trees, and say where")
    return parser


if __name__ == "__main__":
    sys.exit(main())
