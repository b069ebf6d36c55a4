"""`python3 .dev lab strangers [--upstream SPEC…]`: strangers at every address of a sidecar, and from another machine.

For each upstream the pristine tree is tried too, so that one sees what there is to refuse.
"""

import argparse
import os
import sys
import tempfile

from patcher import pipeline
from patcher.model import Tree
from patcher.node.find import Node
from patcher.prove import Sidecar, dependencies_for, find_node, lay_out
from tests.lab.strangers.attack import attack, own_problems, table
from tests.lab.strangers.network import NoNamespace, second_machine, statuses
from tests.lab.strangers.routes import Route, routes_of


def _try(name: str, tree: Tree, routes: list[Route], node: Node, modules: str | None) -> bool:
    """Whether nobody was answered, nothing changed, and this machine's own got what they asked for."""
    with tempfile.TemporaryDirectory(prefix="strangers-", ignore_cleanup_errors=True) as work:
        root = lay_out(tree, os.path.realpath(work), modules)
        with Sidecar(root, node, work=work) as sidecar:
            sidecar.post_hook("SessionStart", {"session_id": "of-the-user", "cwd": "/project"})
            tried = attack(sidecar, routes)
            kept = [row["id"] for row in sidecar.rows("SELECT id FROM sessions")]
            own = own_problems(sidecar)
            sys.stdout.write(f"{name}: {len(routes)} addresses\n{table(tried)}")
            sys.stdout.write(f"this machine itself: {', '.join(own) or 'as before'}; sessions afterwards: {kept}\n")
            there = _from_another_machine(sidecar)
    for each in [each for each in tried if each.answered][:5]:
        request = each.request
        sys.stdout.write(f"  answered: {request.method} {request.target}: {request.name}: {each.status}\n")
    return not any(each.answered for each in tried) and not own and kept == ["of-the-user"] and there


def _from_another_machine(sidecar: Sidecar) -> bool:
    try:
        with second_machine() as prefix:
            got = statuses(prefix, sidecar.port)
    except NoNamespace as error:
        sys.stdout.write(f"from another machine: not tried: {error}\n")
        return True
    sys.stdout.write(f"from another machine: {sum(each != '000' for each in got)} of {len(got)} connected\n")
    return all(each == "000" for each in got)


def main() -> int:
    """Exit code 1 when a stranger is answered, or somebody of this machine is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.strangers", description=__doc__)
    parser.add_argument("--upstream", nargs="+", default=["builtin"], metavar="SPEC")
    options = parser.parse_args()
    node, good = find_node(), True
    for spec in options.upstream:
        build = pipeline.check(spec)
        modules = dependencies_for(build.upstream.tree["package.json"].data, node=node, install=True, command="")
        routes = routes_of(build.upstream.tree)
        pristine = _try(f"{spec}, pristine", build.upstream.tree, routes, node, modules)
        good &= _try(f"{spec}, generated", pipeline.output(build), routes, node, modules) and not pristine
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
