"""gevent's tests, from its wheel: those that `python -m gevent.tests` finds, each file in a process of its own.

gevent's runner only counts the tests of a file, so the files are run here, in the environment that it gives them; which
files there are is asked of it. The tests of CPython under monkey-patching are not in the wheel.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch

from .lib.runner import Runner
from .lib.suite import Outcomes, Suite
from .lib.wheel import PACKAGES, Wheel

WHEEL = Wheel(
    "gevent",
    (
        "certifi==2026.10.19.post1",
        "charset-normalizer==3.5.2",
        "dnspython==2.9.2",
        "gevent==26.9.0",
        "greenlet==3.5.6",
        "idna==3.20",
        "objgraph==3.7.0",
        "psutil==7.2.2",
        "requests==2.34.2",
        "setproctitle==1.3.8",
        "urllib3==2.8.0",
        "zope.event==6.2",
        "zope.interface==8.7",
    ),
)

# Those that use sockets most; names are looked up in others.
SHORT = ("test__socket", "test__socket_[cest]*", "test__socketpair", "test__ssl", "test__server", "test__select*")

# What gevent's runner sets.
ENVIRONMENT = {
    "PYTHONDEVMODE": "1",
    "PYTHONFAULTHANDLER": "true",
    "PYTHONUNBUFFERED": "1",
    "GEVENTTEST_QUIET": "True",
    "GEVENTTEST_USE_RESOURCES": "all",
}

LEFT_OUT = {
    f"test__core_timer{test}": "a race between a timer of 1 ms, counted from before the test's first socket, and a"
    " descriptor that is ready at once: slowness decides; 12 at a time on two cores, 52 of 60 failed natively"
    for test in ("", ": __main__.TestTimerResolution.test_resolution")
}

# Each file starts an interpreter and then mostly waits.
AT_ONCE = 4


def run(runner: Runner, short: bool) -> Outcomes:
    """The files, some at once; a file counts as a test of its own, which passes when its process does."""
    files = _files(runner)
    if short:
        files = [file for file in files if any(fnmatch(file, pattern) for pattern in SHORT)]
    if runner.only is not None:
        wanted = {name.partition(":")[0] for name in runner.only}
        files = [file for file in files if file in wanted]
    outcomes: Outcomes = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(lambda file: _run_file(runner, file), files):
            outcomes |= found
    return outcomes


def _files(runner: Runner) -> list[str]:
    """The files of tests, by the names of their modules, without those that gevent itself says to ignore here."""
    discover = (WHEEL.python(runner.prepared), "-m", "gevent.tests", "--discover", "--no-combine")
    found = runner.run(discover, timeout=600, shim=False, merge=True)
    files = re.findall(r"-mgevent\.tests\.(test_\w+)$", found.stdout.decode(), re.MULTILINE)
    if len(files) < 100:
        raise RuntimeError(f"gevent found only {len(files)} files of tests:\n{found.stdout.decode()}")
    return files


def _run_file(runner: Runner, file: str) -> Outcomes:
    # Some tests import their neighbours by bare names, for which gevent's runner does this, too.
    environment = ENVIRONMENT | {"PYTHONPATH": str(WHEEL.site_packages(runner.prepared) / "gevent/tests")}
    command = ("-u", "-m", "suites_outcomes", f"gevent.tests.{file}")
    ran = WHEEL.record(runner, command, timeout=900, env_extra=environment, name=file)
    return {file: ran.passed()} | {f"{file}: {test}": outcome for test, outcome in ran.outcomes.items()}


SUITE = Suite(
    name="gevent",
    run=run,
    packages=PACKAGES,
    prepare=WHEEL.prepare,
    version=WHEEL.version,
    short=True,
    left_out=LEFT_OUT,
)
