"""tornado's tests, from its wheel, as its own runner selects them (`python -m tornado.test`). pycurl, pycares, Twisted
and hypothesis are there, so that the tests that use them run."""

from __future__ import annotations

import re

from .lib.runner import Runner
from .lib.suite import Outcomes, Suite
from .lib.wheel import HYPOTHESIS, PACKAGES, Wheel, selected

WHEEL = Wheel(
    "tornado",
    (
        "attrs==26.1.0",
        "Automat==25.4.16",
        "cffi==2.1.1",
        "constantly==23.10.4",
        "hyperlink==21.0.0",
        "hypothesis==6.170.17",
        "idna==3.20",
        "Incremental==24.11.0",
        "packaging==26.3",
        "pycares==4.11.0",
        "pycparser==3.12",
        "pycurl==7.49.0",
        "sortedcontainers==2.4.0",
        "tornado==6.6.1",
        "Twisted==26.10.0",
        "typing_extensions==4.16.0",
        "zope.interface==8.7",
    ),
)

SHORT = (
    "tornado.test.iostream_test",
    "tornado.test.tcpclient_test",
    "tornado.test.tcpserver_test",
    "tornado.test.netutil_test",
    "tornado.test.httpserver_test",
    "tornado.test.http1connection_test",
    "tornado.test.simple_httpclient_test",
    "tornado.test.curl_httpclient_test",
)


# For slow machines: some of the timeouts that tests expect become longer, and all of those that are against hangs.
PATIENCE = {"EMULATION": "1", "ASYNC_TEST_TIMEOUT": "120"}

# A "test" of ours. tornado's runner counts what its tests log or print beyond its own report, and ends with this.
QUIET = "(nothing but the report is printed)"
NOT_QUIET = re.compile(r"logged \d+ infos, \d+ warnings, \d+ errors, and \d+ bytes to stderr")

LEFT_OUT = {
    "tornado.test.gen_test.RunnerGCTest.test_gc": "wants a garbage collection to take less than 0.2 s: natively, 8 at a"
    " time on a busy machine with two cores, it failed 23 of 25 times; on an idle one it passes",
}


def run(runner: Runner, short: bool) -> Outcomes:
    """All tests in one process. Output of the shim would show, too."""
    tests = selected(runner, SHORT if short else (), (QUIET,))
    ran = WHEEL.record(
        runner, ("-m", "suites_outcomes", "tornado.test", *tests), timeout=1800, env_extra=HYPOTHESIS | PATIENCE
    )
    return ran.whole() | {QUIET: "fail" if NOT_QUIET.search(ran.output) else "pass"}


SUITE = Suite(
    name="tornado",
    run=run,
    packages=PACKAGES,
    prepare=WHEEL.prepare,
    version=WHEEL.version,
    short=True,
    left_out=LEFT_OUT,
)
