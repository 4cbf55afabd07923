"""socat as a relay from one family to the next, and with datagrams."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

SOCKET = Path("/tmp/relay.socket")


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    data = kit.noise(3_000_000 if short else 20_000_000)
    certificate, key = kit.certificate(runner)
    # From TCP over IPv4 through TCP over IPv6, a UNIX socket, an abstract one and TLS to a program.
    chain = [
        ("TCP4-LISTEN:7001,bind=127.0.0.1,reuseaddr,fork", "TCP6:[::1]:7002"),
        ("TCP6-LISTEN:7002,bind=[::1],reuseaddr,fork", f"UNIX-CONNECT:{SOCKET}"),
        (f"UNIX-LISTEN:{SOCKET},fork", "ABSTRACT-CONNECT:relay"),
        ("ABSTRACT-LISTEN:relay,fork", f"OPENSSL:localhost:7003,cafile={certificate},pf=ip4"),
        (f"OPENSSL-LISTEN:7003,bind=127.0.0.1,reuseaddr,fork,certificate={certificate},key={key},verify=0", "TCP4:127.0.0.1:7004"),
        ("TCP4-LISTEN:7004,bind=127.0.0.1,reuseaddr,fork", "EXEC:cat"),
    ]
    servers = [socat(runner, *addresses) for addresses in chain]
    kit.listens(7001, 7002, SOCKET, 7003, 7004)
    entrances = {
        "TCP, IPv6, UNIX, abstract, TLS, TCP": "TCP4:127.0.0.1:7001",
        "IPv6 and what follows": "TCP6:[::1]:7002",
        "UNIX socket and what follows": f"UNIX-CONNECT:{SOCKET}",
        "TLS and what follows": f"OPENSSL:localhost:7003,cafile={certificate},pf=ip4",
        "one TCP connection": "TCP4:127.0.0.1:7004",
    }
    for name, entrance in entrances.items():
        with tests.test(name) as saw:
            for size in [1, 100_000, len(data)]:
                back = kit.succeed(runner, ["socat", "-t", "120", "-", entrance], input=data[:size])
                kit.same(kit.checksum(back), kit.checksum(data[:size]), "the echo")
                saw(kit.checksum(back))
    with tests.test("many at once") as saw:
        clients = []
        for number in range(5 if short else 20):
            (runner.work / f"part-{number}").write_bytes(kit.noise(200_000, number))
            clients.append(kit.start(runner, ["socat", "-t", "120", f"OPEN:{runner.work}/part-{number},rdonly!!-", "TCP4:127.0.0.1:7001"]))
        for client in clients:
            saw((client.wait(kit.DEADLINE), kit.checksum(kit.written(client))))
    with tests.test("end") as saw:
        saw([kit.ended(runner, server) for server in servers])

    for name, (listen, connect) in {
        "UDP, a process for each peer": ("UDP4-LISTEN:7005,bind=127.0.0.1,reuseaddr,fork", "UDP4:127.0.0.1:7005"),
        "UDP, a process for each datagram": ("UDP4-RECVFROM:7006,bind=127.0.0.1,reuseaddr,fork", "UDP4:127.0.0.1:7006"),
        "UDP over IPv6": ("UDP6-RECVFROM:7007,bind=[::1],reuseaddr,fork", "UDP6:[::1]:7007"),
    }.items():
        with tests.test(name) as saw:
            server = socat(runner, listen, "EXEC:cat")
            kit.bound_udp(int(listen.split(":")[1].split(",")[0]))
            for number in range(10):
                datagram = kit.noise(1000 + number, number)
                argv: list[Argument] = ["socat", "-t", "60", "-", f"{connect},readbytes={len(datagram)}"]
                saw(kit.checksum(kit.succeed(runner, argv, input=datagram)))
            saw(kit.ended(runner, server))
    with tests.test("datagrams of a UNIX socket") as saw:
        # One way: of two in a row with an answer each, the second one is not always answered, natively.
        path = Path("/tmp/relay.datagrams")
        server = kit.start(runner, ["socat", "-u", f"UNIX-RECV:{path}", "-"])
        kit.wait_until("the socket is there", path.exists)
        datagrams = [kit.noise(1000 + number, number) for number in range(10)]
        for datagram in datagrams:
            kit.succeed(runner, ["socat", "-u", "-", f"UNIX-SENDTO:{path}"], input=datagram)
        kit.wait_until("all are there", lambda: len(kit.written(server)) == len(b"".join(datagrams)))
        kit.same(kit.checksum(kit.written(server)), kit.checksum(b"".join(datagrams)), "what arrived")
        saw((kit.checksum(kit.written(server)), kit.ended(runner, server)))
    tests.log_shows(
        ("socat", "accept", "inet_stream_ops", 3),
        ("socat", "accept", "inet6_stream_ops"),
        ("socat", "accept", "unix_stream_ops", 2),
        ("socat", "connect", "inet_stream_ops", 5),
        ("socat", "connect", "inet6_stream_ops", 5),
        ("socat", "connect", "unix_stream_ops", 5),
        ("socat", "read", "inet_dgram_ops", 10),
        ("socat", "read", "inet6_dgram_ops", 10),
        ("socat", "read", "unix_dgram_ops"),
        ("socat", "write", "unix_dgram_ops", 10),
        ("socat", "write", "inet_stream_ops", 10),
    )
    return tests.outcomes


def socat(runner: Runner, *addresses: str) -> subprocess.Popen[bytes]:
    return runner.start(["socat", "-t", "120", *addresses])


SUITE = Suite(
    name="programs/socat",
    packages=("socat", "openssl"),
    run=run,
    short=True,
    deadline=1800,
)
