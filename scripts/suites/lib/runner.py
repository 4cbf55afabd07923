"""What a suite's `run` function is given: a scratch directory, environments, and functions that run programs."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .variant import plain_environment, shim_environment

Argument = str | os.PathLike


class Runner:
    """Runs the programs of one suite in one variant. Whatever it started is ended at its end."""

    def __init__(self, variant: str, work: Path, prepared: Path, only: frozenset[str] | None = None) -> None:
        # "native", "off" or "io".
        self.variant = variant
        # An empty directory in a file system in memory, which is removed after the run.
        self.work = work
        # What the suite's `prepare` has made.
        self.prepared = prepared
        # The names of the tests that a repetition is about; None in a whole run.
        self.only = only
        # For helpers that are not under test, such as compilers.
        self.plain_env = plain_environment(str(work))
        # For programs under test.
        self.env = self.plain_env | shim_environment(variant)
        self._started: list[subprocess.Popen[bytes]] = []
        self._output = work / "output"
        self._output.mkdir(parents=True, exist_ok=True)
        (work / "home").mkdir(exist_ok=True)
        self._runs = itertools.count(1)

    def run(
        self,
        argv: Sequence[Argument],
        *,
        timeout: float,
        cwd: Path | None = None,
        env_extra: Mapping[str, str] | None = None,
        shim: bool = True,
        input: bytes | None = None,
        merge: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a program to its end; standard input is empty unless `input` says otherwise. With `merge`, its
        stderr is part of `stdout`, in order.

        Output goes through files, so that a daemon which keeps a stream open does not make this wait. At the deadline
        the process group is killed, and subprocess.TimeoutExpired tells what was written until then.
        """
        stdout, stderr, stdin = self._streams(argv)
        stdin.write_bytes(input or b"")
        with open(stdout, "wb") as out, open(stderr, "wb") as err, open(stdin, "rb") as given:
            process = subprocess.Popen(
                argv,
                cwd=cwd or self.work,
                env=self._environment(env_extra, shim),
                stdin=given if input is not None else subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT if merge else err,
                start_new_session=True,
            )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired as over:
            _kill_group(process)
            raise subprocess.TimeoutExpired(argv, over.timeout, stdout.read_bytes(), stderr.read_bytes()) from None
        return subprocess.CompletedProcess(list(argv), status, stdout.read_bytes(), stderr.read_bytes())

    def start(
        self,
        argv: Sequence[Argument],
        *,
        cwd: Path | None = None,
        env_extra: Mapping[str, str] | None = None,
        shim: bool = True,
    ) -> subprocess.Popen[bytes]:
        """Starts a program in the background, such as a server. It is stopped at the end of the suite, or by `stop`.
        Its output is in files below `output` in the work directory."""
        stdout, stderr, _ = self._streams(argv)
        with open(stdout, "wb") as out, open(stderr, "wb") as err:
            process = subprocess.Popen(
                argv,
                cwd=cwd or self.work,
                env=self._environment(env_extra, shim),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes], patience: float = 30) -> int:
        """Ends a started program with SIGTERM; one that ignores it for `patience` seconds is killed. Returns the
        status as subprocess has it: negative for a signal."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        _kill_group(process)
        if process in self._started:
            self._started.remove(process)
        return process.returncode

    def wait_port(self, port: int, host: str = "127.0.0.1", timeout: float = 120) -> None:
        """Waits until a TCP port has a listener."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                socket.create_connection((host, port), 10).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def close(self) -> None:
        """Stops what was started, the last one first."""
        for process in reversed(self._started.copy()):
            self.stop(process)

    def _environment(self, extra: Mapping[str, str] | None, shim: bool) -> dict[str, str]:
        return (self.env if shim else self.plain_env) | dict(extra or {})

    def _streams(self, argv: Sequence[Argument]) -> tuple[Path, Path, Path]:
        """Names for the files of one run's output and input, by its number and program."""
        stem = f"{next(self._runs):03}-{Path(argv[0]).name}"
        return tuple(self._output / f"{stem}.{end}" for end in ("stdout", "stderr", "stdin"))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills the rest of the session that was started for a program, and reaps the program."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
