"""Servers of Python's standard library: threads, processes, and multiprocessing, with curl and socat."""

from __future__ import annotations

from pathlib import Path

from ..lib.runner import Runner
from ..lib.suite import Outcomes, Suite
from . import kit

STREAMS = {
    "forking-tcp": ("7001", "TCP:127.0.0.1:7001"),
    "threading-tcp": ("7002", "TCP:127.0.0.1:7002"),
    "forking-unix": ("/tmp/forking.socket", "UNIX:/tmp/forking.socket"),
    "threading-unix": ("/tmp/threading.socket", "UNIX:/tmp/threading.socket"),
}


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    size = 2_000_000 if short else 20_000_000
    site = runner.work / "site"
    site.mkdir()
    (site / "page.html").write_text("<h1>page</h1>\n")
    (site / "large").write_bytes(kit.noise(size))

    for port, kind in {8080: "threads", 8081: "processes"}.items():
        server = runner.start([kit.PYTHON, kit.SCRIPTS / "servers.py", kind, str(port)], cwd=site)
        kit.listens(port)
        base = f"http://127.0.0.1:{port}/"
        with tests.test(f"HTTP server with {kind}: downloads") as saw:
            saw(kit.curl(runner, [base + page for page in ["page.html", "large", "missing", ""]]))
            saw(kit.curl(runner, [base + "large"] * 4, "--parallel", "--header", "Connection: close"))
        with tests.test(f"HTTP server with {kind}: upload") as saw:
            saw(kit.curl(runner, [base, base], "--data-binary", f"@{site / 'large'}"))
        with tests.test(f"HTTP server with {kind}: end") as saw:
            saw(kit.ended(runner, server))
    with tests.test("python3 -m http.server, IPv6") as saw:
        server = runner.start([kit.PYTHON, "-m", "http.server", "8082", "--bind", "::1", "--directory", site])
        kit.listens(8082)
        saw(kit.curl(runner, ["http://[::1]:8082/page.html", "http://[::1]:8082/large"]))
        saw(kit.ended(runner, server))

    for kind, (where, address) in STREAMS.items():
        with tests.test(kind) as saw:
            server = runner.start([kit.PYTHON, kit.SCRIPTS / "servers.py", kind, where])
            kit.listens(int(where) if where.isdigit() else Path(where))
            for number in range(3 if short else 20):
                argv = ["socat", "-t", "120", "-", address]
                saw(kit.succeed(runner, argv, input=kit.noise(size // 4, number)).decode())
            saw(kit.ended(runner, server))
    for kind in ["forking-udp", "threading-udp"]:
        with tests.test(kind) as saw:
            server = runner.start([kit.PYTHON, kit.SCRIPTS / "servers.py", kind, "7003"])
            kit.bound_udp(7003)
            for number in range(3 if short else 20):
                argv = ["socat", "-t", "60", "-", "UDP:127.0.0.1:7003,readbytes=69"]
                saw(kit.succeed(runner, argv, input=kit.noise(1000 + number, number)).decode())
            saw(kit.ended(runner, server))
    for method in ["fork", "spawn", "forkserver"]:
        with tests.test(f"multiprocessing: {method}") as saw:
            saw(kit.succeed(runner, [kit.PYTHON, kit.SCRIPTS / "processes.py", method]).decode())
    tests.log_shows(
        # Two servers, five of socketserver, and children that share a listener.
        ("python3", "accept", "inet_stream_ops", 6),
        ("python3", "accept", "inet6_stream_ops"),
        ("python3", "accept", "unix_stream_ops", 2),
        ("python3", "read", "inet_dgram_ops", 2),
        ("python3", "write", "inet_dgram_ops", 4),
        ("python3", "sendmsg", "unix_stream_ops", 2),
        ("python3", "recvmsg", "unix_stream_ops", 2),
        ("python3", "recvmsg", "unix_dgram_ops", 3),
        ("curl", "connect", "inet_stream_ops", 4),
        ("socat", "connect", "unix_stream_ops", 4),
    )
    return tests.outcomes


SUITE = Suite(
    name="programs/python",
    packages=("python3", "curl", "socat"),
    run=run,
    short=True,
    deadline=1800,
)
