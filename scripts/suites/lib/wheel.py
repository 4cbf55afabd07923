"""For suites that come inside of wheels: a virtual environment with pinned packages, and how the tests ended."""

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

# What makes a run repeatable: the order of sets decides the order of some tests and names.
ENVIRONMENT = {"PYTHONHASHSEED": "0"}

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
        cwd: Path | None = None,
    ) -> tuple[Outcomes, str]:
        """Runs Python with these arguments, which choose one of the recorders. Returns the outcomes of the tests and
        what became of the process: "pass", "timeout", or its status. Both are compared."""
        recorded = runner.work / "recorded.jsonl"
        recorded.unlink(missing_ok=True)
        environment = {**ENVIRONMENT, "SUITES_OUTCOMES": str(recorded), **(env_extra or {})}
        command = [self.python(runner.prepared), *arguments]
        try:
            ended = runner.run(command, timeout=timeout, cwd=cwd, env_extra=environment, merge=True)
            status = "pass" if ended.returncode == 0 else f"status {ended.returncode}"
        except subprocess.TimeoutExpired:
            status = "timeout"
        outcomes, times = read_record(recorded)
        with open(runner.work / "output/seconds.jsonl", "a") as file:
            file.writelines(json.dumps({"test": test, "seconds": seconds}) + "\n" for test, seconds in times.items())
        return outcomes, status


def read_record(file: Path) -> tuple[Outcomes, dict[str, float]]:
    """What the recorder has written: outcomes and seconds by test. A test that took the process along is "started"."""
    outcomes: Outcomes = {}
    times: dict[str, float] = {}
    if not file.exists():
        return outcomes, times
    for line in file.read_text().splitlines():
        entry = json.loads(line)
        test, outcome = entry["test"], entry["outcome"]
        if outcome is None:
            outcomes.pop(test, None)
        else:
            outcomes[test] = outcome
        if "seconds" in entry:
            times[test] = entry["seconds"]
    return outcomes, times
