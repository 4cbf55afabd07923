"""The first process of the namespaces of one run: `python3 -m suites.lib.child SPEC`.

It sets up the namespaces and has a second process run the suite. It only reaps processes that have lost their parent, as
the first process of a machine does; when it ends, the kernel ends everything in its namespace.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

from .catalog import load
from .namespace import furnish
from .runner import Runner
from .variant import WORK


def main(spec_file: str) -> None:
    """Runs what the spec (see `unit.Unit`) says, and writes `result.json` beside it."""
    spec = json.loads(Path(spec_file).read_text())
    directory = Path(spec["directory"])
    furnish(directory, Path(spec["library"]), spec["variant"], [Path(path) for path in spec["keep"]])
    os.chdir(WORK)
    os.umask(0o022)
    _reset_signals()
    worker = os.fork()
    if worker == 0:
        status = 1
        try:
            _run(spec, directory)
            status = 0
        finally:
            os._exit(status)
    while True:
        pid, status = os.wait()
        if pid == worker:
            sys.exit(os.waitstatus_to_exitcode(status) != 0)


def _reset_signals() -> None:
    """A program that was started in the background of a shell, or by nohup, has inherited ignored signals, which tests of
    signals notice. The two that Python itself ignores, it gives back to programs that it starts."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _run(spec: dict, directory: Path) -> None:
    """Runs the suite and writes its result, also that of a suite which failed to run."""
    only = None if spec["only"] is None else frozenset(spec["only"])
    runner = Runner(spec["variant"], Path(WORK), Path(spec["prepared"]), only)
    result = {"outcomes": {}, "error": None}
    begin = time.monotonic()
    try:
        (suite,) = load([spec["suite"]])
        result["outcomes"] = suite.run(runner, spec["short"])
    except BaseException:
        result["error"] = traceback.format_exc()
    finally:
        runner.close()
    result["seconds"] = time.monotonic() - begin
    shutil.copytree(Path(WORK) / "output", directory / "output", dirs_exist_ok=True)
    (directory / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
