"""Enable, enable again, disable: random files of each agent, by the real command's modules, on disk, to the byte."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from patcher.node.find import find_node
from tests.javascript.test_javascript import lay_out_tree

_BENCH = Path(__file__).with_name("bench.mjs")


def main() -> int:
    """Exit code 1 when a byte of a file is not as it was, or an event has not its one entry."""
    options = argparse.ArgumentParser(prog="python3 .dev lab agent_hooks_bench", description=__doc__)
    options.add_argument("--files", type=int, default=1000, help="random files of each agent")
    options.add_argument("--seed", type=int, default=1, help="of the first file; the others follow")
    given = options.parse_args()
    code = 0
    with tempfile.TemporaryDirectory(prefix="agent-hooks-bench-") as made:
        tree = lay_out_tree(Path(made) / "tree")
        env = {"PATH": os.environ.get("PATH", ""), "HOME": f"{made}/home", "DASHBOARD_DATA_DIR": f"{made}/data"}
        command = [find_node().path, "--no-warnings", str(_BENCH), str(tree), str(given.files), str(given.seed)]
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        for line in done.stdout.splitlines():
            row = json.loads(line)
            wrong = row.pop("wrong")
            code |= bool(wrong)
            sys.stdout.write(
                f"{row['title']}: {row['files']} files (seed {given.seed}), {row['comments']} with comments, "
                f"{row['commas']} with a comma behind the last item, {row['crlf']} with CRLF, {row['bom']} with a byte "
                f"order mark; back to the byte: {row['files'] - len(wrong)}, wrong: {len(wrong)}\n"
            )
            for each in wrong[:5]:
                sys.stdout.write(f"  {each}\n")
    return code or done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
