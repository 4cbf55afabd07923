"""trio's tests, from its wheel. All of them run, except that those of its development tools are skipped, whose packages
(linters and type checkers) are not installed."""

from __future__ import annotations

from .lib.runner import Runner
from .lib.suite import Outcomes, Suite
from .lib.wheel import PACKAGES, WHOLE, Wheel

WHEEL = Wheel(
    "trio",
    (
        "attrs==26.1.0",
        "cffi==2.1.1",
        "cryptography==50.0.2",
        "idna==3.20",
        "iniconfig==2.3.1",
        "outcome==1.3.0.post0",
        "packaging==26.3",
        "pluggy==1.7.0",
        "pycparser==3.12",
        "Pygments==2.21.0",
        "pyOpenSSL==26.4.0",
        "pytest==9.2.0",
        "sniffio==1.3.1",
        "sortedcontainers==2.4.0",
        "trio==0.35.0",
        "trustme==1.2.1",
        "typing_extensions==4.16.0",
    ),
)

# What comes closest to sockets, in modules of trio.
SHORT = (
    "trio._tests.test_socket",
    "trio._tests.test_ssl",
    "trio._tests.test_highlevel_socket",
    "trio._tests.test_highlevel_open_tcp_listeners",
    "trio._tests.test_highlevel_open_tcp_stream",
    "trio._tests.test_highlevel_open_unix_stream",
    "trio._tests.test_highlevel_serve_listeners",
    "trio._tests.test_highlevel_ssl_helpers",
    "trio._tests.test_dtls",
    "trio._tests.test_unix_pipes",
    "trio._core._tests.test_io",
)


def run(runner: Runner, short: bool) -> Outcomes:
    """As trio's documentation says, with the plugin of pytest that is part of its tests."""
    options = ("-p", "trio._tests.pytest_plugin", "-p", "suites_outcomes", "-p", "no:cacheprovider", "-q")
    # Names of tests begin here, however many modules are selected.
    root = ("--rootdir", str(WHEEL.site_packages(runner.prepared)))
    if runner.only is None or WHOLE in runner.only:
        tests = ("--pyargs", *(SHORT if short else ("trio",)))
    else:
        tests = tuple(f"{WHEEL.site_packages(runner.prepared)}/{test}" for test in sorted(runner.only))
    ran = WHEEL.record(
        runner, ("-m", "pytest", *options, *root, "--skip-optional-imports", *tests), timeout=1800
    )
    return ran.whole()


SUITE = Suite(
    name="trio",
    run=run,
    packages=PACKAGES,
    prepare=WHEEL.prepare,
    version=WHEEL.version,
    short=True,
)
