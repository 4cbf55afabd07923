"""iperf3 and sockperf. What they measure is not compared: that they come to their end, and what they count, is."""

from __future__ import annotations

import json
import re

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

IPERF: dict[str, list[Argument]] = {
    "TCP": [],
    "TCP, IPv6": ["-6"],
    "TCP, reverse": ["-R"],
    "TCP, parallel": ["-P", "4"],
    "TCP, parallel, reverse": ["-P", "4", "-R"],
    "TCP, zero copy": ["-Z"],
    "TCP, both ways": ["--bidir"],
    "TCP, options": ["-N", "-M", "1200", "-w", "64K", "-C", "reno", "-S", "8"],
    "UDP": ["-u", "-b", "0", "-l", "1400"],
    "UDP, IPv6": ["-u", "-b", "0", "-l", "1400", "-6"],
    "UDP, reverse": ["-u", "-b", "100M", "-l", "1400", "-R"],
    "UDP, parallel": ["-u", "-b", "50M", "-l", "1400", "-P", "2"],
}


def iperf3(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    server = runner.start(["iperf3", "--server"])
    kit.listens(5201)
    number = 2_800_000 if short else 140_000_000
    for name, options in IPERF.items():
        with tests.test(name) as saw:
            host = "::1" if "-6" in options else "127.0.0.1"
            said = kit.succeed(runner, ["iperf3", "--client", host, "--json", "-n", str(number), *options])
            report = json.loads(said)
            need_all(report, number, options)
            saw((len(report["start"]["connected"]), report["start"]["test_start"]["protocol"], report.get("error")))
    with tests.test("a second client is refused") as saw:
        busy = runner.start(["iperf3", "--client", "127.0.0.1", "-t", "60"])
        kit.wait_until("the server is busy", lambda: len(kit.connections(5201)) >= 2)
        said = runner.run(["iperf3", "--client", "127.0.0.1", "-n", "1000"], timeout=kit.DEADLINE, merge=True)
        saw((said.returncode, said.stdout.decode()))
        runner.stop(busy)
    with tests.test("end") as saw:
        saw(kit.ended(runner, server))
    tests.log_shows(
        ("iperf3", "accept", "inet6_stream_ops"),
        ("iperf3", "connect", "inet_stream_ops", 5),
        ("iperf3", "connect", "inet6_stream_ops"),
        ("iperf3", "connect", "inet_dgram_ops"),
        ("iperf3", "write", "inet_stream_ops", 4),
        ("iperf3", "write", "inet_dgram_ops"),
        ("iperf3", "read", "inet6_stream_ops"),
    )
    return tests.outcomes


def need_all(report: dict, number: int, options: list[Argument]) -> None:
    """TCP delivers what was sent. The side that only receives may stop the count a little before the last bytes, so it is the
    sender's that has to be whole."""
    sent = report["end"]["sum_sent" if "sum_sent" in report["end"] else "sum"]["bytes"]
    kit.need(sent >= number, f"{sent} bytes sent of {number}")
    if "-u" not in options and "-R" in options:
        received = report["end"]["sum_received"]["bytes"]
        kit.need(received >= number, f"{received} bytes received of {number}")


def sockperf(runner: Runner, short: bool) -> Outcomes:
    """Its number of messages cannot be given, other than by a file of messages to play."""
    tests = kit.Tests(runner)
    number = 200 if short else 2000
    playback = runner.work / "playback"
    playback.write_text("".join(f"{1 + index * 0.0005:.6f},{20 + index % 1000}\n" for index in range(number)))
    for name, options in {"UDP": [], "TCP": ["--tcp"]}.items():
        server = kit.start(runner, ["sockperf", "server", "-i", "127.0.0.1", "-p", "5000", *options])
        if options:
            kit.listens(5000)
        else:
            kit.bound_udp(5000)
        where = ["-i", "127.0.0.1", "-p", "5000", *options]
        with tests.test(f"{name}: ping-pong") as saw:
            said = kit.succeed(runner, ["sockperf", "ping-pong", *where, "-t", "1", "--data-integrity", "-m", "1000"]).decode()
            saw(re.findall(r"# (?:dropped|duplicated|out-of-order) messages = \d+", said))
        with tests.test(f"{name}: playback of {number} messages") as saw:
            said = kit.succeed(runner, ["sockperf", "playback", *where, "--data-file", playback, "--reply-every", "1"]).decode()
            # How many were answered before it stopped is a matter of speed: natively three numbers in six runs.
            saw(re.findall(r"# (?:duplicated|out-of-order) messages = \d+", said)[-2:])
        if short:
            runner.stop(server)
            continue
        with tests.test(f"{name}: throughput") as saw:
            said = kit.succeed(runner, ["sockperf", "throughput", *where, "-t", "1", "-m", "1000", "--mps", "1000"]).decode()
            saw("Summary: BandWidth" in said)
        with tests.test(f"{name}: end") as saw:
            saw(kit.ended(runner, server, 2))
    tests.log_shows(
        ("sockperf", "accept", "inet_stream_ops"),
        ("sockperf", "connect", "inet_stream_ops"),
        ("sockperf", "read", "inet_stream_ops", 2),
        ("sockperf", "read", "inet_dgram_ops", 2),
        ("sockperf", "write", "inet_dgram_ops", 2),
    )
    return tests.outcomes


SUITES = (
    Suite(name="programs/iperf3", packages=("iperf3",), run=iperf3, short=True, deadline=1800),
    Suite(name="programs/sockperf", packages=("sockperf",), run=sockperf, short=True, deadline=1800),
)
