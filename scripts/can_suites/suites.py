"""Suites of tests that bind sockets to vcan0."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .bus import Bus
from .outcomes import Outcomes, junit, rust


@dataclass(frozen=True)
class Suite:
    """A suite, and what is to be expected of it."""

    name: str
    # Runs the tests on a bus; the directory has what can-suites.sh has prepared.
    run: Callable[[Bus, Path], Outcomes]
    # Tests that fail, each with the reason: on the kernel's vcan too, or only here.
    fail: dict[str, str] = field(default_factory=dict)
    fail_here: dict[str, str] = field(default_factory=dict)
    # Whether tests may be skipped; where all are about AF_CAN, none may.
    may_skip: bool = False


def _tests(bus: Bus, argv: list[str], seconds: float, **more: str) -> None:
    """Runs the tests to their end; the report says how they ended. The status does so, too, and is not looked at."""
    environment = bus.environment | more
    with open(bus.directory / "said", "wb") as said:
        subprocess.run(argv, cwd=more.get("PWD", bus.directory), env=environment, timeout=seconds, stdin=subprocess.DEVNULL,
            stdout=said, stderr=subprocess.STDOUT)


def _cpython(python: str) -> Callable[[Bus, Path], Outcomes]:
    def run(bus: Bus, _prepared: Path) -> Outcomes:
        report = bus.directory / "report.xml"
        classes = [word for name in ("BasicCANTest", "CANTest", "ISOTPTest", "J1939Test") for word in ("-m", name)]
        # Where it stands now, pyenv's does not find its own library.
        library = str(Path(python).parent.parent / "lib")
        _tests(bus, [python, "-m", "test", "--junit-xml", str(report), *classes, "test_socket"], 300, LD_LIBRARY_PATH=library)
        return junit(report)

    return run


def _python_can(bus: Bus, prepared: Path) -> Outcomes:
    # Some tests write beside the sources.
    sources = Path(tempfile.mkdtemp(dir=bus.directory)) / "python_can"
    shutil.copytree(prepared / "sources/python_can-4.6.1", sources)
    report = bus.directory / "report.xml"
    # Without the configuration, which asks for measurements of coverage. canalystii is for one vendor's devices.
    command = [
        str(prepared / "venv/bin/python"), "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider",
        f"--junit-xml={report}", "--ignore=test/test_interface_canalystii.py", "test",
    ]
    path = f"{prepared}/venv/bin:{bus.environment['PATH']}"
    _tests(bus, command, 600, TEST_SOCKETCAN="1", PATH=path, PWD=str(sources))
    return junit(report)


def _socketcan_rs(bus: Bus, prepared: Path) -> Outcomes:
    outcomes: Outcomes = {}
    for program in sorted((prepared / "socketcan-rs").iterdir()):
        ended = subprocess.run([program], cwd=bus.directory, env=bus.environment, timeout=300, stdin=subprocess.DEVNULL,
            capture_output=True, text=True)
        outcomes |= rust(ended.stdout)
    return outcomes


def suites(prepared: Path) -> list[Suite]:
    """All of them, as far as they have been prepared."""
    found = [Suite("CPython 3.11", _cpython("/usr/bin/python3.11"))]
    # pyenv's, if there is one: can_suites_inside.sh puts it there.
    if (newer := Path("/tmp/python3.13/bin/python3.13")).exists():
        found.append(Suite("CPython 3.13", _cpython(str(newer))))
    found.append(Suite("python-can 4.6.1", _python_can, may_skip=True))
    if (prepared / "socketcan-rs").exists():
        found.append(Suite("socketcan-rs 3.6.2", _socketcan_rs))
    return found
