"""One run of the benchmarks: its rounds, its variants, and its directory for temporary files."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from bench.lib.paths import shim
from bench.lib.variants import available


class Context:
    """What every part gets."""

    def __init__(self, work, rounds, quick, names=None):
        self.work = Path(work)
        self.rounds = rounds
        self.quick = quick
        # A copy, so that a concurrent build does not change what is measured.
        os.environ["SOCKSHIM_SO"] = str(shutil.copy(shim(), self.work / "libsockshim.so"))
        self.variants, reasons = available(self.work, names)
        self.reasons = {name: self.anonymous(why) for name, why in reasons.items()}

    def attempt(self, command, environment, timeout):
        """The command's output. Raises a Failure with the reason when it fails. Its whole process group ends with
        it."""
        process = subprocess.Popen(
            list(map(str, command)),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"did not end in {timeout} s") from None
        finally:
            end_group(process)
        if process.returncode != 0:
            last = (err.strip() or out.strip() or f"status {process.returncode}").splitlines()[-1]
            raise Failure(self.anonymous(last))
        return out

    def anonymous(self, text):
        """A message without the directories of this machine."""
        return re.sub(r"(/[\w.+-]+){2,}/", "", text.replace(str(self.work), ""))

    def sweep_logs(self):
        """Removes the logs of the last run. Returns how many events they report as dropped."""
        lost = 0
        for log in self.work.glob("sockshim.*.log"):
            lost += sum(
                map(int, re.findall(rb"the log was full, (\d+) events are missing", log.read_bytes()))
            )
            log.unlink()
        return lost


class Failure(Exception):
    """Why something was not measured."""


def end_group(process):
    """Kills the rest of the process's group, and reaps the process."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
