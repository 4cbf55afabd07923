"""CPython 3.11's own tests of everything that has to do with sockets, descriptors, processes and signals."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .lib.runner import Runner
from .lib.suite import Outcomes, Suite
from .lib.variant import PIECES

# The long ones come first, so that none is left over at the end.
FILES = (
    "test_asyncio", "test_subprocess", "test_socket", "test_signal", "test_ssl", "test_selectors", "test_ftplib",
    "test_poll", "test_eintr", "test_posix", "test_os", "test_httplib", "test_smtplib", "test_socketserver",
    "test_select", "test_httpservers", "test_epoll",
)
SHORT_FILES = (
    "test_socket", "test_selectors", "test_poll", "test_posix", "test_httplib", "test_smtplib", "test_socketserver",
    "test_select", "test_httpservers", "test_epoll",
)

# A byte at a time these take hours.
MOVES_MEGABYTES = ("test_socket", "test_asyncio", "test_ssl", "test_ftplib", "test_subprocess")

# Without "network", test_socketserver runs nothing, and says so with status 4. Nothing leaves `lo`. What is taken away
# wants devices, gigabytes, or the internet.
RESOURCES = "all,-audio,-curses,-gui,-largefile,-tzdata,-urlfetch"

# A kernel may know AF_VSOCK without having anybody to talk to by it. Then these tests wait for ever, also natively.
IGNORED = "*VSOCK*"

# How a test ended that has an element of this name in the report.
ENDS = {"failure": "fail", "error": "error", "skipped": "skip", "output": "xfail"}


def find_python() -> Path | None:
    """pyenv's Python of this version, if it has its tests with it."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in sorted(root.glob("versions/3.11.*"), key=lambda path: [int(n) for n in path.name.split(".")]):
        if (version / "lib/python3.11/test/libregrtest").is_dir():
            return version / "bin/python3.11"
    return None


PYENV = find_python()
PYTHON = PYENV or Path("/usr/bin/python3.11")


def version(_prepared: Path) -> str:
    """As Python says it, and whose build it is."""
    said = subprocess.run([PYTHON, "--version"], capture_output=True, text=True, check=True).stdout
    return f"{said.split()[1]} ({'pyenv' if PYENV else 'Debian'})"


def run(runner: Runner, short: bool) -> Outcomes:
    """Every file is a run of its own, so that a crash or a hang costs no other file its results."""
    files = SHORT_FILES if short else FILES
    if runner.variant == PIECES:
        files = tuple(file for file in files if file not in MOVES_MEGABYTES)
    if runner.only is not None:
        files = tuple(file for file in files if any(_file(test) == file for test in runner.only))
    outcomes: Outcomes = {}
    # The tests mostly wait.
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda file: _run_file(runner, file), files):
            outcomes |= found
    return outcomes


def _file(test: str) -> str:
    """The file of tests that a test is in: "test_socket" for "test.test_socket.GeneralModuleTests.test_repr"."""
    return test.removeprefix("test.").split(".")[0]


def _run_file(runner: Runner, file: str) -> Outcomes:
    report = runner.work / f"{file}.xml"
    argv = [PYTHON, "-m", "test", "--junit-xml", report, "--timeout", "900", "-u", RESOURCES, "-i", IGNORED]
    for test in sorted(runner.only or ()):
        if _file(test) == file and test != file:
            argv += ["-m", test]
    try:
        status = runner.run([*argv, file], timeout=1800, merge=True).returncode
    except subprocess.TimeoutExpired:
        return {file: "timeout"}
    outcomes = read_report(report) if report.exists() else {}
    # 2 says that tests have failed, and the report says which. Anything else is about the file as a whole, such as a
    # crash, and is an outcome of its own.
    if status not in (0, 2) or not outcomes:
        outcomes[file] = f"status {status}"
    return outcomes


def read_report(report: Path) -> Outcomes:
    """The outcomes in the report that regrtest writes in JUnit's format."""
    outcomes: Outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        ends = [ENDS[child.tag] for child in case if child.tag in ENDS]
        if case.get("result") != "completed":
            ends.append(str(case.get("result")).lower())
        outcomes[case.get("name", "")] = ends[0] if ends else "pass"
    return outcomes


SUITE = Suite(
    name="cpython",
    run=run,
    packages=() if PYENV else ("python3.11", "libpython3.11-testsuite"),
    version=version,
    short=True,
)
