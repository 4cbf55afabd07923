"""One run of one suite in one variant, seen from outside of its namespaces."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .namespace import UNSHARE
from .suite import Outcomes, Suite

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Place:
    """The paths on this machine."""

    # Where cargo builds, and below it everything of the suites.
    target: Path
    # The shim under test.
    library: Path
    # A directory of this invocation alone.
    runs: Path

    def prepared(self, suite: Suite) -> Path:
        """The directory that a suite keeps between runs."""
        return self.target / "suites" / suite.name


@dataclass
class Result:
    """The result of a run."""

    outcomes: Outcomes = field(default_factory=dict)
    # Why the suite could not be run to its end, if it could not.
    error: str | None = None
    seconds: float = 0
    # Where the logs and the output of the programs are.
    directory: Path = Path()


def run_unit(
    suite: Suite, variant: str, short: bool, place: Place, only: set[str] | None = None, tag: str = ""
) -> Result:
    """Runs a suite in fresh namespaces and waits for it."""
    directory = place.runs / suite.name.replace("/", ".") / f"{variant}{tag}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    spec = {
        "suite": suite.name,
        "variant": variant,
        "short": short,
        "only": None if only is None else sorted(only),
        "directory": str(directory),
        "prepared": str(place.prepared(suite)),
        "library": str(place.library),
        "keep": [str(REPOSITORY), str(place.target), str(directory)],
    }
    spec_file = directory / "spec.json"
    spec_file.write_text(json.dumps(spec))
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
    with open(directory / "frame.txt", "wb") as output:
        process = subprocess.Popen(
            [*UNSHARE, sys.executable, "-m", "suites.lib.child", spec_file],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            process.wait(suite.deadline)
            reason = f"the run ended with status {process.returncode} and without a result"
        except subprocess.TimeoutExpired:
            reason = f"the run was given up after {suite.deadline} s"
        finally:
            # It takes everything in the namespaces with it.
            process.kill()
            process.wait()
    try:
        found = json.loads((directory / "result.json").read_text())
    except FileNotFoundError:
        said = (directory / "frame.txt").read_text(errors="replace")
        return Result(error=f"{reason}\n{said}".strip(), directory=directory)
    return Result(found["outcomes"], found["error"], found["seconds"], directory)
