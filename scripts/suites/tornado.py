"""tornado's tests, from its wheel, as its own runner selects them (`python -m tornado.test`). pycurl, pycares, Twisted and
hypothesis are there, so that the tests that use them run."""

from __future__ import annotations

from .lib.runner import Runner
from .lib.suite import Outcomes, Suite
from .lib.wheel import HYPOTHESIS, PACKAGES, WHOLE, Wheel, selected

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


def run(runner: Runner, short: bool) -> Outcomes:
    """All tests in one process. The runner fails also if the tests log or print more than they should, so that output of
    the shim would show."""
    tests = selected(runner, SHORT if short else ())
    outcomes, status = WHEEL.record(
        runner, ("-m", "suites_outcomes", "tornado.test", *tests), timeout=1800, env_extra=HYPOTHESIS
    )
    return outcomes | {WHOLE: status}


SUITE = Suite(
    name="tornado",
    run=run,
    packages=PACKAGES,
    prepare=WHEEL.prepare,
    version=WHEEL.version,
    short=True,
)
