"""Stands between an agent and a handler: writes down what comes, and runs the handler on it, unchanged and silent.

`recorder.py RECORD EVENT [NODE HANDLER]`, as the command of a hook. One line of JSON before the handler runs and one
after it, so that a hook that was killed half-way is seen to be. Nothing on stdout, and exit code 0 whatever happens.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    record, event, *handler = sys.argv[1:]
    stdin = sys.stdin.buffer.read()
    began = time.time()
    _append(record, {"received_at": began, "pid": os.getpid(), "event": event, "stdin": _parsed(stdin)})
    if handler:
        done = subprocess.run([*handler, event], input=stdin, capture_output=True, check=False)
        output = (done.stdout + done.stderr).decode("utf-8", "replace")
        ended = {"pid": os.getpid(), "code": done.returncode, "output": output, "seconds": time.time() - began}
        _append(record, ended)


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return {"not_json": text.decode("utf-8", "replace")}


def _append(record: str, entry: object) -> None:
    line = json.dumps(entry).encode() + b"\n"
    descriptor = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, line)  # one write: hooks run side by side
    os.close(descriptor)


main()
