"""`python3 .dev lint`: eslint and `tsc --checkJs` over the JavaScript and TypeScript of this repository.

The tools come from npm, in the versions of `package-lock.json`, into `.cache/javascript`. What runs in the sidecar is
rendered first, beside declarations of the modules of upstream that it requires (`upstream/`). Where npm cannot be
reached and nothing is installed yet, the check is skipped with a word.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from patcher.errors import NodeMissing
from patcher.node.find import Node, find_node, npm_of
from patcher.patches import CLIENT_SERIES, SERIES
from patcher.render import render

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = ROOT / ".cache" / "javascript"
TREE = CACHE / "tree"
OURS = (
    "fixtures/sidecar", "patcher/consent/templates/overlay", "templates/overlay/server/lib/agent-cli", "templates/page",
    "templates/report", "tests/js",
)  # fmt: skip
ENDINGS = {".js", ".cjs", ".mjs"}
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "network")


def main() -> int:
    """Exit code 0 without complaints, or skipped; 1 with complaints; 5 where the tools cannot be installed."""
    try:
        node = find_node()
    except NodeMissing as error:
        sys.stderr.write(f"skipped: eslint and tsc: {error.message}\n")
        return 0
    problem = install(node)
    if problem and any(word in problem for word in UNREACHABLE):
        sys.stderr.write("skipped: eslint and tsc: npm cannot be reached, and nothing is installed yet\n")
        return 0
    if problem:
        sys.stderr.write(f"eslint and tsc could not be installed:\n{problem}\n")
        return 5
    lay_out()
    modules = CACHE / "node_modules"
    eslint = [node.path, str(modules / "eslint" / "bin" / "eslint.js"), "--max-warnings=0", "."]
    tsc = [node.path, str(modules / "typescript" / "bin" / "tsc"), "--pretty", "false", "--project", "."]
    prettier = [node.path, str(modules / "prettier" / "bin" / "prettier.cjs"), "--check", "--log-level=warn", "."]
    return 1 if any([complains(eslint), complains(tsc), complains(prettier)]) else 0


def install(node: Node) -> str:
    """Install the tools unless they are there in the versions wanted. Empty, or what npm said when it failed."""
    wanted, there = HERE / "package-lock.json", CACHE / "installed.json"
    if there.is_file() and there.read_bytes() == wanted.read_bytes():
        return ""
    npm = npm_of(node)
    if npm is None:
        return "network: there is no npm"
    CACHE.mkdir(parents=True, exist_ok=True)
    for path in (HERE / "package.json", wanted):
        shutil.copyfile(path, CACHE / path.name)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error")
    done = subprocess.run([*npm, "ci", *quiet], cwd=CACHE, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        shutil.copyfile(wanted, there)
    return "" if done.returncode == 0 else done.stderr.strip() or f"npm ci: exit code {done.returncode}"


def lay_out() -> None:
    """Everything to check, under its path in the repository without `.j2`."""
    shutil.rmtree(TREE, ignore_errors=True)
    for name, text in texts():
        path = TREE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copytree(HERE / "upstream", TREE / "templates" / "overlay", dirs_exist_ok=True)
    for name in ("eslint.config.mjs", "tsconfig.json", ".prettierrc.json", ".prettierignore"):
        shutil.copyfile(HERE / name, TREE / name)


def texts() -> Iterator[tuple[str, str]]:
    """Paths in the repository and their texts, rendered where they are templates."""
    for overlay in (overlay for patch in (*SERIES, *CLIENT_SERIES) for overlay in patch.overlays):
        name = overlay.template.removesuffix(".j2")
        if name.endswith((".js", ".ts", ".tsx")):
            yield f"templates/{name}", render(overlay.template, **overlay.params)
    for folder in OURS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in ENDINGS:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def complains(command: list[str]) -> bool:
    """Run a tool over the tree; its complaints are printed with paths of the repository."""
    env = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=TREE, env=env, capture_output=True, text=True, check=False)
    sys.stdout.write((done.stdout + done.stderr).replace(f"{TREE}{os.sep}", ""))
    return done.returncode != 0


if __name__ == "__main__":
    raise SystemExit(main())
