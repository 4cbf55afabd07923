"""dnsmasq with dig: UDP, TCP, IPv6, and a server that asks another one."""

from __future__ import annotations

import os
import signal
import subprocess

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

QUERIES = [
    ("a.test", "A"), ("b.test", "AAAA"), ("alias.test", "CNAME"), ("text.test", "TXT"), ("mail.test", "MX"),
    ("_web._tcp.test", "SRV"), ("missing.test", "A"), ("4.3.2.10.in-addr.arpa", "PTR"),
]  # fmt: skip
TRANSPORTS: dict[str, list[Argument]] = {
    "UDP": ["@127.0.0.1", "+notcp"],
    "TCP": ["@127.0.0.1", "+tcp"],
    "IPv6, UDP": ["@::1", "+notcp"],
    "IPv6, TCP": ["@::1", "+tcp"],
}


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    hosts = runner.work / "hosts"
    hosts.write_text("10.0.0.1 before.test\n")
    hosts.chmod(0o644)
    runner.work.chmod(0o755)
    records = [
        "--address=/a.test/10.2.3.4", "--host-record=b.test,10.2.3.5,fd00::5", "--cname=alias.test,b.test",
        "--txt-record=text.test,one,two", "--mx-host=mail.test,b.test,10", "--srv-host=_web._tcp.test,b.test,80",
        "--ptr-record=4.3.2.10.in-addr.arpa,a.test", "--local=/test/", f"--addn-hosts={hosts}",
    ]  # fmt: skip
    # More than fits into a datagram.
    records += [f"--txt-record=long.test,{number:03}{'x' * 200}" for number in range(40)]
    server = dnsmasq(runner, "5353", *records)
    forwarder = dnsmasq(runner, "5354", "--server=127.0.0.1#5353", "--cache-size=0")

    for port, role in {"5353": "server", "5354": "forwarder"}.items():
        for name, options in TRANSPORTS.items():
            with tests.test(f"{role}, {name}") as saw:
                for query in QUERIES:
                    saw(dig(runner, port, *options, *query))
        with tests.test(f"{role}: an answer that is cut, and asked for again over TCP") as saw:
            said = dig(runner, port, "@127.0.0.1", "+bufsize=512", "long.test", "TXT")
            saw((len(said.split()), kit.checksum(" ".join(sorted(said.split())).encode())))
    with tests.test("a batch") as saw:
        batch = runner.work / "batch"
        batch.write_text("a.test A\nb.test AAAA\nmissing.test A\n" * (20 if short else 300))
        for options in [["+notcp"], ["+tcp"], ["+tcp", "+keepopen"]]:
            said = kit.succeed(runner, ["dig", "-p", "5354", "@127.0.0.1", "+short", *options, "-f", batch])
            saw(kit.checksum(said))
    with tests.test("SIGHUP") as saw:
        saw(dig(runner, "5353", "@127.0.0.1", "after.test", "A"))
        hosts.write_text("10.0.0.2 after.test\n")
        os.kill(server.pid, signal.SIGHUP)
        kit.wait_until("it has read its file", lambda: "10.0.0.2" in dig(runner, "5353", "@127.0.0.1", "after.test", "A"))
        saw(dig(runner, "5354", "@::1", "before.test", "A"))
    with tests.test("end") as saw:
        saw((kit.ended(runner, server), kit.ended(runner, forwarder)))
    tests.log_shows(
        ("dnsmasq", "read", "inet_dgram_ops", 2),
        ("dnsmasq", "write", "inet_dgram_ops", 2),
        ("dnsmasq", "read", "inet6_dgram_ops", 2),
        ("dnsmasq", "accept", "inet_stream_ops", 2),
        ("dnsmasq", "accept", "inet6_stream_ops", 2),
        # The forwarder's questions over TCP: it connects with the data (MSG_FASTOPEN).
        ("dnsmasq", "sendto", "inet_stream_ops"),
        ("dig", "read", "inet_dgram_ops", 8),
        ("dig", "connect", "inet_stream_ops", 8),
        ("dig", "connect", "inet6_stream_ops", 8),
    )
    return tests.outcomes


def dnsmasq(runner: Runner, port: str, *options: Argument) -> subprocess.Popen[bytes]:
    argv: list[Argument] = ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", f"--port={port}"]
    argv += ["--listen-address=127.0.0.1,::1", "--bind-interfaces", "--no-resolv", "--no-hosts", "--log-facility=-"]
    server = runner.start([*argv, "--user=nobody", "--pid-file=", *options])
    kit.listens(int(port))
    kit.bound_udp(int(port))
    return server


def dig(runner: Runner, port: str, *arguments: Argument) -> str:
    options = ["+noall", "+comments", "+answer", "+time=60", "+tries=2", "+nocookie"]
    said = kit.succeed(runner, ["dig", "-r", "-p", port, *options, *arguments]).decode()
    # The number of the query is drawn.
    lines = [line.partition(", id:")[0].lstrip(";-> ") for line in said.splitlines()]
    return " ".join(" ".join(line.split()) for line in lines if "HEADER" in line or (line and "EDNS" not in line and ":" not in line[:16]))


SUITE = Suite(
    name="programs/dnsmasq",
    packages=("dnsmasq-base", "bind9-dnsutils"),
    run=run,
    short=True,
    deadline=1800,
)
