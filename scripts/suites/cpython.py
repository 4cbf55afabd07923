"""CPython's own tests of everything that has to do with sockets."""

from __future__ import annotations

from .lib.runner import Runner
from .lib.suite import Outcomes, Suite


def run(runner: Runner, short: bool) -> Outcomes:
    return {"ls": str(runner.run(["ls", "/tmp"], timeout=10).stdout),
     "ip": str(runner.run(["sh", "-c", "cat /proc/net/if_inet6; ps ax; getent hosts suites; ls -la /tmp"], timeout=10).stdout)}


SUITE = Suite("cpython", run)
