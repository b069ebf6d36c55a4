"""What the corpus found, as text and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from tests.lab.drift.corpus import Outcome, Result

_COLUMNS: Mapping[bool, tuple[tuple[str, Result], ...]] = {
    True: (("right", Result.RIGHT), ("needless stops", Result.NEEDLESS), ("misapplied", Result.MISAPPLIED)),
    False: (
        ("stopped", Result.STOPPED),
        ("otherwise", Result.OTHERWISE),
        ("applied rightly", Result.RIGHT),
        ("misapplied", Result.MISAPPLIED),
    ),
}


def counted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What N is made of: the mutants that are JavaScript."""
    return [each for each in outcomes if each.result is not Result.ILLEGAL]


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each kind of mutation."""
    lines = []
    for harmless, columns in _COLUMNS.items():
        rows = [each for each in counted(outcomes) if each.harmless is harmless]
        title = "harmless" if harmless else "breaking"
        lines.append(f"  {title:<30}{'N':>6}" + "".join(f"{name:>17}" for name, _ in columns))
        for kind in dict.fromkeys(each.kind for each in rows):
            lines.append(_row(kind, [each for each in rows if each.kind == kind], columns))
        lines.append(_row("all", rows, columns))
    return "\n".join(lines)


def _row(name: str, rows: Sequence[Outcome], columns: Sequence[tuple[str, Result]]) -> str:
    counts = (sum(each.result is result for each in rows) for _, result in columns)
    return f"    {name:<28}{len(rows):>6}" + "".join(f"{count:>17}" for count in counts)


def failures(found: Mapping[str, Sequence[Outcome]]) -> str:
    """Each misapply and needless stop, with the command that shows it again."""
    lines = []
    for spec, outcomes in found.items():
        for each in outcomes:
            if each.result.is_bad:
                lines += [f"{each.result}: {each.name}", f"  {each.why}", f"  again: {again(spec, each)}"]
    return "\n".join(lines)


def again(spec: str, outcome: Outcome) -> str:
    """The command that shows one mutant again."""
    pattern = "".join(f"[{character}]" if character in "*?[" else character for character in outcome.name)
    quoted = pattern.replace("'", "'\\''")
    return f"python -m tests.lab.drift --upstream {spec} --only '{quoted}' -v"


def summary(found: Mapping[str, Sequence[Outcome]]) -> str:
    """The line that `tests/README.md` states."""
    everything = [each for outcomes in found.values() for each in counted(outcomes)]
    silent = sum(each.result is Result.MISAPPLIED for each in everything)
    needless = sum(each.result is Result.NEEDLESS for each in everything)
    return f"drift corpus: {len(everything)} mutations, {silent} silent misapplies, {needless} needless stops"


def to_json(found: Mapping[str, Sequence[Outcome]], skipped: Sequence[str]) -> str:
    """All counts, and every mutant that was misapplied or stopped needlessly."""
    content = {
        "schema": 1,
        "summary": summary(found),
        "skipped": list(skipped),
        "upstreams": [
            {
                "upstream": spec,
                "mutations": len(counted(outcomes)),
                "kinds": _kinds(counted(outcomes)),
                "bad": [asdict(each) for each in outcomes if each.result.is_bad],
            }
            for spec, outcomes in found.items()
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _kinds(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    keys = dict.fromkeys((each.harmless, each.kind) for each in outcomes)
    return [
        {
            "kind": kind,
            "harmless": harmless,
            **{
                str(result): sum(
                    1 for each in outcomes if (each.harmless, each.kind, each.result) == (harmless, kind, result)
                )
                for result in Result
                if result is not Result.ILLEGAL
            },
        }
        for harmless, kind in keys
    ]
