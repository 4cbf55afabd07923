"""A bus, and programs on it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# The system calls in which a program waits for something: read, poll, select, recvfrom, recvmsg, accept, epoll_wait,
# pselect6, ppoll, epoll_pwait, accept4.
WAITING = {0, 7, 23, 45, 47, 43, 232, 270, 271, 281, 288}

# Only what hangs reaches it.
DEADLINE = 30.0


class Program:
    """A program that runs beside this one, with its output in a file."""

    def __init__(self, bus: Bus, argv: Sequence[str | os.PathLike]) -> None:
        self.argv = [str(word) for word in argv]
        self.output = tempfile.TemporaryFile(dir=bus.directory)
        self.process = subprocess.Popen(
            self.argv, cwd=bus.directory, env=bus.environment, stdin=subprocess.PIPE, stdout=self.output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )

    def text(self) -> str:
        """What it has printed until now."""
        return os.pread(self.output.fileno(), 1 << 28, 0).decode(errors="replace")

    def waits(self) -> Program:
        """Returns when the program has a socket and stays in a system call that waits."""
        def there() -> bool:
            for _ in range(5):
                if not self._waits_now():
                    return False
                time.sleep(0.01)
            return True

        wait_until(there, f"{self.argv} waits", self)
        return self

    def _waits_now(self) -> bool:
        proc = Path(f"/proc/{self.process.pid}")
        try:
            number = int((proc / "syscall").read_text().split()[0])
            return number in WAITING and any(
                os.readlink(entry).startswith("socket:") for entry in (proc / "fd").iterdir()
            )
        except (OSError, ValueError):
            return False

    def says(self, wanted: str) -> Program:
        """Returns when the text is in the output."""
        wait_until(lambda: wanted in self.text(), f"{self.argv} says {wanted!r}", self)
        return self

    def ends(self, status: int = 0) -> str:
        """The whole output of a program that has to end with this status."""
        try:
            ended = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"{self.argv} does not end; it said {self.text()[-500:]!r}") from None
        assert ended == status, f"{self.argv} ends with {ended}: {self.text()[-500:]!r}"
        return self.text()

    def stop(self, how: int = signal.SIGTERM) -> str:
        """Ends it, and returns what it has printed."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return self.text()


class Bus:
    """A bus of its own under sockshim, or the kernel's vcan0. Programs that still run at the end are ended."""

    def __init__(self, library: Path | None, interfaces: str = "vcan0,vcan1") -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="bus-")
        self.directory = Path(self._temporary.name)
        self.environment = os.environ | {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        if library is not None:
            self.environment |= {
                "LD_PRELOAD": str(library), "SOCKSHIM_CAN": interfaces, "SOCKSHIM_CAN_BUS": str(self.directory / "bus"),
            }
        self._programs: list[Program] = []

    def start(self, *argv: str | os.PathLike) -> Program:
        """Starts a program."""
        program = Program(self, argv)
        self._programs.append(program)
        return program

    def run(self, *argv: str | os.PathLike, given: str = "", status: int = 0) -> str:
        """Runs a program to its end, and returns what it has printed."""
        program = self.start(*argv)
        program.process.stdin.write(given.encode())
        program.process.stdin.close()
        return program.ends(status)

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_reason: object) -> None:
        for program in self._programs:
            program.stop()
            program.process.stdin.close()
            program.output.close()
        self._temporary.cleanup()


def wait_until(there: Callable[[], bool], what: str, program: Program | None = None) -> None:
    """Polls a state."""
    deadline = time.monotonic() + DEADLINE
    while not there():
        said = f"; it said {program.text()[-500:]!r}" if program else ""
        assert time.monotonic() < deadline, f"not within {DEADLINE} s: {what}{said}"
        time.sleep(0.01)
