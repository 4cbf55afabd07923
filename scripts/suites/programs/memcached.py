"""memcached with libmemcached's tests of its protocols, over TCP and a UNIX socket."""

from __future__ import annotations

import re
from pathlib import Path

from ..lib.runner import Runner
from ..lib.suite import Outcomes, Suite
from . import kit

SOCKET = Path("/tmp/memcached.socket")


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    options = ["-u", "nobody", "-t", "2", "-I", "32m", "-m", "256"]
    over_tcp = runner.start(["memcached", "-l", "127.0.0.1,[::1]", "-p", "11211", "-U", "11211", *options])
    over_unix = runner.start(["memcached", "-s", SOCKET, "-a", "0666", *options])
    kit.listens(11211, SOCKET)
    # The tests of libmemcached are tests of ours, each by its name.
    said = runner.run(["memccapable", "-h", "127.0.0.1", "-p", "11211"], timeout=kit.DEADLINE, merge=True)
    for name, outcome in re.findall(r"^(.+?)\s+\[(\w+)\]", said.stdout.decode(), re.MULTILINE):
        tests.outcomes[f"memccapable: {name}"] = outcome
    with tests.test("memccapable") as saw:
        kit.need(len(tests.outcomes) > 40, said.stdout)
        saw(f"exit {said.returncode}")

    value = kit.noise(3_000_000 if short else 20_000_000)
    request = b"set large 7 0 %d\r\n%b\r\nget large\r\nincr large 1\r\nget nothing\r\nverbosity\r\nquit\r\n" % (len(value), value)
    for name, address in {"TCP": "TCP:127.0.0.1:11211", "IPv6": "TCP6:[::1]:11211", "UNIX socket": f"UNIX:{SOCKET}"}.items():
        with tests.test(f"{name}: a large value") as saw:
            got = kit.succeed(runner, ["socat", "-t", "120", "-", address], input=request)
            kit.need(value in got, f"{len(got)} bytes without the value")
            saw(got.replace(value, b"VALUE").decode().splitlines())
    with tests.test("UDP: one request, one answer") as saw:
        # The header of a datagram: the request's number, the datagram's number, how many, nothing.
        header = bytes([0, 9, 0, 0, 0, 1, 0, 0])
        argv = ["socat", "-t", "60", "-", "UDP:127.0.0.1:11211,readbytes=13"]
        saw(kit.succeed(runner, argv, input=header + b"get nothing\r\n").hex())
    with tests.test("end") as saw:
        saw(kit.ended(runner, over_tcp))
        saw(kit.ended(runner, over_unix))
    tests.log_shows(
        ("memcached", "accept", "inet_stream_ops"),
        ("memcached", "accept", "inet6_stream_ops"),
        ("memcached", "accept", "unix_stream_ops"),
        ("memcached", "read", "inet_dgram_ops"),
        ("memccapable", "connect", "inet_stream_ops"),
        ("socat", "connect", "inet_stream_ops"),
        ("socat", "connect", "unix_stream_ops"),
    )
    return tests.outcomes


SUITE = Suite(
    name="programs/memcached",
    packages=("memcached", "libmemcached-tools", "socat"),
    run=run,
    short=True,
    deadline=1800,
)
