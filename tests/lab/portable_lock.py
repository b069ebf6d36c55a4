"""`python3 .dev lab portable_lock [--write]`: the list of handlers and payloads that esprima has passed as ES2017."""

import sys

from patcher import apply
from patcher.gates.portable import LOCK, judge
from patcher.model import digest
from patcher.patches import SERIES
from patcher.upstream.materialize import materialize
from tests.prove.native import miniature


def expected() -> str:
    """What the lock must say: a digest and a name for each portable text of the series, all of which esprima passes."""
    texts = {
        **apply.apply_series(materialize("builtin"), SERIES).portable,
        **apply.apply_series(miniature(), SERIES).portable,
    }
    problems = [problem for where, text in texts.items() for problem in judge(where, text)]
    if problems:
        raise SystemExit("\n".join(f"{problem.where}: {problem.message}" for problem in problems))
    return "".join(f"{digest(text.encode())}  {where}\n" for where, text in sorted(texts.items()))


def main() -> int:
    """Exit code 1 when the lock is out of date and `--write` is not given."""
    text = expected()
    if "--write" in sys.argv[1:]:
        with open(LOCK, "w", encoding="ascii") as stream:
            stream.write(text)
        return 0
    with open(LOCK, encoding="ascii") as stream:
        return 0 if stream.read() == text else 1


if __name__ == "__main__":
    raise SystemExit(main())
