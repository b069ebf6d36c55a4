"""`revert` of a generated tree is byte-identical to the pristine tree."""

import tempfile
from pathlib import Path

from patcher import pipeline
from patcher.revert import pristine, write_new
from patcher.upstream.materialize import materialize
from tests.lab.show.versions import FITS


def show(repository: str) -> bool:
    """One line for each upstream: how many files came back as upstream ships them."""
    good = True
    for spec in ("builtin", *(f"{repository}@{ref}" for ref in FITS)):
        expected = materialize(spec).tree
        with tempfile.TemporaryDirectory() as scratch:
            out, back = Path(scratch) / "out", Path(scratch) / "back"
            pipeline.build(spec, str(out))
            write_new(pristine(str(out)), str(back))
            same = sum(
                (back / path).read_bytes() == file.data
                and bool((back / path).stat().st_mode & 0o100) == file.executable
                for path, file in expected.items()
            )
            found = sum(path.is_file() for path in back.rglob("*"))
        print(f"{spec.rpartition('@')[2]}: {same} of {len(expected)} files identical, {found - same} others")
        good &= same == len(expected) == found
    return good
