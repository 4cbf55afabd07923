"""For suites that come in wheels: a virtual environment with pinned packages, and the outcomes of the tests."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .runner import Runner
from .suite import Outcomes

# Debian's Python; the virtual environment is made from it, whatever runs the framework.
INTERPRETER = Path("/usr/bin/python3")
PACKAGES = ("python3", "python3-venv")

# Makes a run repeatable: the order of sets decides the order of some tests and names.
ENVIRONMENT = {"PYTHONHASHSEED": "0"}

# hypothesis tries other examples in every run, and gives up slow ones, unless it sees this. (Twisted looks at the same
# variable, and does something else for "true".)
HYPOTHESIS = {"CI": "1"}

# The name of the outcome of the process itself, for a suite that is one process.
WHOLE = "(the whole run)"

# The recorder of outcomes; see suites_outcomes.py there.
RECORDER = Path(__file__).parent / "wheels"


@dataclass(frozen=True)
class Wheel:
    """A package whose tests are in its wheel, and everything that the tests import."""

    # As pip knows it.
    name: str
    # "name==version" of every package in the environment, the tested one too.
    pins: tuple[str, ...]

    def prepare(self, prepared: Path) -> None:
        """Makes the virtual environment, and makes it anew when the pins have changed."""
        done = prepared / "pins.txt"
        pins = "".join(f"{pin}\n" for pin in self.pins)
        if not done.exists() or done.read_text() != pins:
            shutil.rmtree(prepared / "venv", ignore_errors=True)
            prepared.mkdir(parents=True, exist_ok=True)
            subprocess.run([INTERPRETER, "-m", "venv", prepared / "venv"], check=True)
            # The pins are complete. Wheels only: nothing is compiled, and no code of a package runs.
            options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
            subprocess.run([self.python(prepared), "-m", "pip", "install", *options, *self.pins], check=True)
            done.write_text(pins)
        shutil.copy(RECORDER / "suites_outcomes.py", self.site_packages(prepared))

    def python(self, prepared: Path) -> Path:
        """The interpreter of the virtual environment."""
        return prepared / "venv/bin/python"

    def site_packages(self, prepared: Path) -> Path:
        """Where the packages are."""
        (directory,) = (prepared / "venv/lib").glob("python3*/site-packages")
        return directory

    def version(self, _prepared: Path) -> str:
        """The pinned version of the tested package."""
        return dict(pin.split("==") for pin in self.pins)[self.name]

    def record(
        self,
        runner: Runner,
        arguments: Sequence[str],
        *,
        timeout: float,
        env_extra: Mapping[str, str] | None = None,
        name: str = "all",
    ) -> Run:
        """Runs Python with these arguments, which choose one of the recorders. Each run has a name of its own, after
        which its directory is called."""
        cwd = runner.work / name
        cwd.mkdir()
        # Kept with the programs' output, to show how long each test took.
        recorded = runner.work / f"output/{name}.jsonl"
        # As in an activated environment: some tests run commands that came with the package.
        path = f"{self.python(runner.prepared).parent}:{runner.env['PATH']}"
        environment = {**ENVIRONMENT, "PATH": path, "SUITES_OUTCOMES": str(recorded), **(env_extra or {})}
        command = [self.python(runner.prepared), *arguments]
        try:
            ended = runner.run(command, timeout=timeout, cwd=cwd, env_extra=environment, merge=True)
        except subprocess.TimeoutExpired:
            return Run(read_record(recorded), None, "")
        return Run(read_record(recorded), ended.returncode, ended.stdout.decode(errors="replace"))


@dataclass(frozen=True)
class Run:
    """The result of a process that ran tests."""

    outcomes: Outcomes
    # As subprocess has it: negative for a signal. None at the deadline.
    status: int | None
    output: str

    def passed(self) -> str:
        """The outcome of a process which is a test by itself."""
        return {None: "timeout", 0: "pass", 1: "fail"}.get(self.status, "error")

    def whole(self) -> Outcomes:
        """The outcomes, and a test that the process ran through: that tests failed, which is status 1, is said by the
        tests themselves."""
        if not self.outcomes:
            raise RuntimeError(f"no test ran: status {self.status}\n{self.output[-4000:]}")
        return self.outcomes | {WHOLE: "pass" if self.passed() == "fail" else self.passed()}


def selected(runner: Runner, otherwise: Sequence[str], not_tests: Sequence[str] = ()) -> Sequence[str]:
    """What to run: the tests that a repetition is about, or what `otherwise` names. All of that also if the repetition
    is about the whole run, or about what else cannot be selected."""
    if runner.only is None or runner.only.intersection((WHOLE, *not_tests)):
        return otherwise
    return sorted(runner.only)


def read_record(file: Path) -> Outcomes:
    """What the recorder has written: the last word on each test."""
    outcomes: Outcomes = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        entry = json.loads(line)
        if entry["outcome"] is None:
            outcomes.pop(entry["test"], None)
        else:
            outcomes[entry["test"]] = entry["outcome"]
    return outcomes
