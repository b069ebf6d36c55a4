"""A short sample of the fuzz, and proof that it sees what it looks for. `python3 .dev lab fuzz` is the whole of it."""

import os
from pathlib import Path

import pytest

from tests.lab.fuzz.__main__ import READERS, in_a_process
from tests.support import ROOT, start


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_every_input_ends_in_a_result_or_an_error_of_ours(name: str) -> None:
    _, found = in_a_process(name, minutes=0.03, seed=0)
    assert (found["inputs"] > 0, found["failures"]) == (True, {})


_FAULTS = {
    "an exception": ("raise KeyError('x')", "KeyError"),
    "a loop": ("while True: pass", "hang"),
    "memory": ("bytes(1 << 40)", "MemoryError"),
    "a file outside": ("open('../given/x', 'w').close()", "written outside of the scratch directory"),
    "a file outside that is named absolutely": (f"open({os.devnull!r} + '/x', 'w')", "NotADirectoryError"),
    "a temporary file": ("tempfile.mkdtemp()", "left behind"),
    "a half-written file": ("open('.sidecar-patcher.1.tmp', 'w').close()", "left behind"),
    "the end of the process": ("os._exit(3)", "exit 3"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", _FAULTS)
def test_the_fuzz_sees_a_fault(tmp_path: Path, fault: str) -> None:
    statement, said = _FAULTS[fault]
    program = f"""
import os, sys, tempfile
from pathlib import Path
from hypothesis import strategies as st
from tests.lab.fuzz import engine
engine.LONGEST = 0.5
def read(value):
    {statement}
    yield "done"
found = engine.hunt(lambda given: engine.Reader(st.booleans(), read), 2, 0, Path({str(tmp_path)!r}))
print(list(found.failures))
"""
    process = start("-c", program, cwd=ROOT, HYPOTHESIS_STORAGE_DIRECTORY=str(tmp_path / "hypothesis"))
    out, err = process.communicate(timeout=120)
    assert said in f"{out} {err} exit {process.returncode}"
