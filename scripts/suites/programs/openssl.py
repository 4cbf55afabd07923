"""openssl's own server and client, and curl: TLS and DTLS over TCP, UDP and a UNIX socket."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

SOCKET = Path("/tmp/openssl.socket")


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    data = kit.noise(2_000_000 if short else 20_000_000)
    certificate, key = kit.certificate(runner)
    (runner.work / "large").write_bytes(data)
    own: list[Argument] = ["openssl", "s_server", "-cert", certificate, "-key", key]
    verify: list[Argument] = ["-CAfile", certificate, "-verify_return_error"]

    # Files over HTTPS. Each connection is served before the next one.
    web = runner.start([*own, "-accept", "4433", "-WWW"])
    kit.listens(4433)
    for version in ["1.2", "1.3"]:
        with tests.test(f"curl, TLS {version}") as saw:
            options = ["--cacert", certificate, f"--tlsv{version}", "--tls-max", version, "--http1.0"]
            saw(kit.curl(runner, ["https://localhost:4433/large"] * (1 if short else 5), *options))
    with tests.test("a certificate that nobody trusts") as saw:
        result = runner.run(["curl", "--disable", "--silent", "--noproxy", "*", "https://localhost:4433/large"], timeout=kit.DEADLINE)
        saw(result.returncode)
    with tests.test("a session is resumed") as saw:
        session = runner.work / "session"
        for option in ["-sess_out", "-sess_in"]:
            argv = ["openssl", "s_client", "-connect", "localhost:4433", *verify, "-tls1_2", option, session]
            said = kit.succeed(runner, argv).decode(errors="replace")
            saw(re.findall(r"^(?:New|Reused), \S+", said, re.MULTILINE))
    with tests.test("end") as saw:
        saw(kit.ended(runner, web))

    for name, listen, connect, endpoint in [
        ("TCP", ["-accept", "127.0.0.1:4434"], ["-connect", "127.0.0.1:4434"], 4434),
        ("IPv6", ["-accept", "[::1]:4434"], ["-connect", "[::1]:4434"], 4434),
        ("UNIX socket", ["-unix", SOCKET], ["-unix", SOCKET], SOCKET),
    ]:
        with tests.test(f"{name}: lines that come back reversed") as saw:
            server = runner.start([*own, *listen, "-rev", "-naccept", "1"])
            kit.listens(endpoint)
            # CLOSE is the word at which the server ends the connection.
            client = ["openssl", "s_client", *connect, *verify, "-quiet"]
            lines = "".join(f"line {number}\n" for number in range(100)) + "CLOSE\n"
            saw(kit.checksum(kit.succeed(runner, client, input=lines.encode())))
            saw(f"exit {server.wait(kit.DEADLINE)}")
        with tests.test(f"{name}: up") as saw:
            saw(up(runner, [*own, *listen], ["openssl", "s_client", *connect, *verify], endpoint, data))
    with tests.test("a client with a certificate") as saw:
        server = [*own, "-accept", "127.0.0.1:4434", "-Verify", "1", "-CAfile", certificate]
        client = ["openssl", "s_client", "-connect", "localhost:4434", *verify, "-cert", certificate, "-key", key]
        saw(up(runner, server, client, 4434, data[:1000]))
    with tests.test("DTLS") as saw:
        server = start(runner, [*own, "-accept", "4435", "-dtls1_2", "-quiet"])
        kit.bound_udp(4435)
        (runner.work / "datagram").write_text("datagram\n")
        # It stays until the server has got it: nobody sends a lost datagram again.
        client = f"exec openssl s_client -connect 127.0.0.1:4435 -dtls1_2 -CAfile {certificate} -quiet <{runner.work}/datagram"
        process = runner.start(["sh", "-c", client])
        kit.wait_until("it has arrived", lambda: b"datagram\n" in kit.written(server))
        kit.logged(runner, "openssl", "read", "inet_dgram_ops")
        runner.stop(process)
        runner.stop(server)
        saw(kit.written(server))
    tests.log_shows(
        ("openssl", "accept", "inet6_stream_ops"),
        ("openssl", "accept", "inet_stream_ops", 2),
        ("openssl", "accept", "unix_stream_ops", 2),
        ("openssl", "connect", "inet_stream_ops", 3),
        ("openssl", "connect", "inet6_stream_ops", 2),
        ("openssl", "connect", "unix_stream_ops", 2),
        ("openssl", "read", "inet_dgram_ops"),
        ("curl", "connect", "inet_stream_ops", 2),
    )
    return tests.outcomes


def start(runner: Runner, argv: list[Argument]) -> subprocess.Popen[bytes]:
    """A server that would end at the end of its standard input, which gets none."""
    if not (runner.work / "input").exists():
        os.mkfifo(runner.work / "input")
    return kit.start(runner, ["sh", "-c", 'exec "$@" <>input', "sh", *argv])


def up(runner: Runner, server: list[Argument], client: list[Argument], endpoint: int | Path, data: bytes) -> str:
    """Bytes from the client to the server. TLS 1.2, since a client that closes with tickets unread in it resets the connection,
    natively too: see netcat.py."""
    process = start(runner, [*server, "-tls1_2", "-quiet", "-naccept", "1"])
    kit.listens(endpoint)
    kit.succeed(runner, [*client, "-quiet", "-no_ign_eof", "-nocommands"], input=data)
    status = process.wait(kit.DEADLINE)
    kit.same(kit.checksum(kit.written(process)), kit.checksum(data), "what arrived")
    return f"{kit.checksum(data)}, exit {status}"


SUITE = Suite(
    name="programs/openssl",
    packages=("openssl", "curl"),
    run=run,
    short=True,
    deadline=1800,
)
