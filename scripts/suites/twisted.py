"""Twisted's tests, from its wheel, under its own runner, trial, in one process. All of them run; some fail natively,
since they are not for root, or want addresses beyond `lo` (tuntap)."""

from __future__ import annotations

import shutil
from pathlib import Path

from .lib.runner import Runner
from .lib.suite import Outcomes, Suite
from .lib.wheel import HYPOTHESIS, PACKAGES, RECORDER, Wheel, selected

WHEEL = Wheel(
    "Twisted",
    (
        "anyio==4.16.0",
        "attrs==26.1.0",
        "Automat==25.4.16",
        "bcrypt==5.0.0",
        "certifi==2026.10.19.post1",
        "cffi==2.1.1",
        "constantly==23.10.4",
        "cryptography==50.0.2",
        "cython-test-exception-raiser==26.4.1",
        "h11==0.16.0",
        "h2==4.4.1",
        "hpack==4.2.0",
        "httpcore==1.0.9",
        "httpx==0.28.1",
        "hyperframe==6.1.0",
        "hyperlink==21.0.0",
        "hypothesis==6.170.17",
        "idna==3.20",
        "Incremental==24.11.0",
        "packaging==26.3",
        "priority==1.3.0",
        "pyasn1==0.6.4",
        "pyasn1_modules==0.4.2",
        "pycparser==3.12",
        "PyHamcrest==2.1.0",
        "pyOpenSSL==26.4.0",
        "pyserial==3.5",
        "service-identity==26.1.0",
        "sortedcontainers==2.4.0",
        "Twisted==26.10.0",
        "typing_extensions==4.16.0",
        "zope.interface==8.7",
    ),
)

SHORT = (
    "twisted.internet.test.test_tcp",
    "twisted.internet.test.test_udp",
    "twisted.internet.test.test_unix",
    "twisted.internet.test.test_process",
    "twisted.internet.test.test_socket",
    "twisted.internet.test.test_fdset",
    "twisted.test.test_tcp",
    "twisted.test.test_udp",
    "twisted.test.test_unix",
    "twisted.test.test_ssl",
)

# Some tests set the locale that Python says it has. In C.UTF-8, Python 3.11 says en_US.UTF-8, which may not be there.
LOCALE = {"LANG": "C", "PYTHONCOERCECLOCALE": "0"}

# The order of tests does not depend on where objects happen to be in memory.
ORDER = ("--order", "alphabetical")


def prepare(prepared: Path) -> None:
    """The virtual environment, and in it the plugin that records."""
    WHEEL.prepare(prepared)
    shutil.copy(RECORDER / "suites_reporter.py", WHEEL.site_packages(prepared) / "twisted/plugins")


def run(runner: Runner, short: bool) -> Outcomes:
    """trial, with its verbose reporter, which also records."""
    tests = selected(runner, SHORT if short else ("twisted",))
    command = ("-m", "twisted.trial", "--reporter", "outcomes", *ORDER, *tests)
    ran = WHEEL.record(runner, command, timeout=3000, env_extra=HYPOTHESIS | LOCALE)
    return ran.whole()


SUITE = Suite(
    name="twisted",
    run=run,
    packages=(*PACKAGES, "openssh-client", "openssh-server"),
    prepare=prepare,
    version=WHEEL.version,
    short=True,
)
