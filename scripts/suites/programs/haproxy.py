"""haproxy in front of nginx: relays of bytes and of requests, and reloads in which the listeners are passed on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit, nginx

SOCKET, STATS = Path("/tmp/haproxy.socket"), Path("/tmp/haproxy.stats")


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    nginx.site(runner, 3_000_000 if short else 20_000_000)
    nginx.configure(runner, generation=1)
    backend = runner.start(nginx.nginx(runner, "daemon off;"))
    kit.listens(8080, nginx.SOCKET)

    configure(runner, generation=1)
    server = runner.start(["/usr/sbin/haproxy", "-W", "-f", runner.work / "haproxy.cfg"])
    kit.listens(9001, 9002, 9003, 9443)
    # It listens under another name and renames the socket.
    kit.wait_until("the socket is there", SOCKET.exists)
    pages = ["generation", "empty", "page", "missing", "large"]
    everywhere: dict[str, tuple[str, list[Argument]]] = {
        "TCP mode": ("http://127.0.0.1:9001/", []),
        "TCP mode, IPv6": ("http://[::1]:9001/", []),
        "TCP mode, UNIX sockets": ("http://localhost/", ["--unix-socket", SOCKET]),
        "HTTP mode": ("http://127.0.0.1:9002/", []),
        "HTTP mode, IPv6": ("http://[::1]:9002/", []),
        "HTTP mode, TLS": ("https://localhost:9443/", ["--cacert", kit.certificate(runner)[0], "--http2"]),
    }
    for name, (base, options) in everywhere.items():
        with tests.test(f"{name}: download") as saw:
            saw(kit.curl(runner, [base + page for page in pages], *options))
        with tests.test(f"{name}: upload") as saw:
            nginx.upload(runner, saw, base, options)
    with tests.test("an answer of its own") as saw:
        saw(kit.curl(runner, [f"http://127.0.0.1:9003/{page}" for page in ["generation", "refused", "down"]]))
    with tests.test("socket for statistics") as saw:
        said = kit.succeed(runner, ["socat", "-t", "60", "-", f"UNIX-CONNECT:{STATS}"], input=b"show stat\n").decode()
        saw([",".join(line.split(",")[:2]) for line in said.splitlines()])
    with tests.test("reload under load") as saw:
        saw(reload_under_load(runner, server.pid, 2 if short else 8))
    with tests.test("end") as saw:
        saw(kit.ended(runner, server, signal.SIGUSR1))
        saw(kit.ended(runner, backend))
    tests.log_shows(
        # The workers before and after reloads.
        ("haproxy", "accept", "inet_stream_ops", 3),
        ("haproxy", "accept", "inet6_stream_ops"),
        ("haproxy", "accept", "unix_stream_ops"),
        ("haproxy", "connect", "inet_stream_ops", 1),
        ("haproxy", "connect", "unix_stream_ops"),
        ("nginx", "accept", "inet_stream_ops"),
        ("nginx", "accept", "unix_stream_ops"),
        ("curl", "connect", "inet_stream_ops", 4),
    )
    return tests.outcomes


def configure(runner: Runner, generation: int) -> None:
    certificate, key = kit.certificate(runner)
    both = runner.work / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    (runner.work / "haproxy.cfg").write_text(f"""
global
    stats socket {STATS} mode 600 level admin expose-fd listeners
    nbthread 2
defaults
    timeout connect 300s
    timeout client 300s
    timeout server 300s
frontend bytes
    mode tcp
    bind 127.0.0.1:9001
    bind ::1:9001
    default_backend bytes_over_tcp
frontend bytes_unix
    mode tcp
    bind {SOCKET}
    default_backend bytes_over_unix
frontend requests
    mode http
    bind 127.0.0.1:9002
    bind ::1:9002
    bind 127.0.0.1:9443 ssl crt {both} alpn h2,http/1.1
    default_backend requests_over_tcp
frontend own
    mode http
    bind 127.0.0.1:9003
    http-request return status 200 content-type text/plain string "generation {generation}" if {{ path /generation }}
    http-request deny if {{ path /refused }}
    default_backend nobody
backend bytes_over_tcp
    mode tcp
    server one 127.0.0.1:8080
backend bytes_over_unix
    mode tcp
    server one {nginx.SOCKET}
backend requests_over_tcp
    mode http
    http-reuse always
    server one 127.0.0.1:8080
backend nobody
    mode http
    retries 0
    server one 127.0.0.1:9
""")


def reload_under_load(runner: Runner, master: int, reloads: int) -> str:
    """SIGUSR2: the master executes itself and starts a worker, which asks the old one for its listeners."""
    stop = runner.work / "stop"
    load = kit.start(runner, [kit.PYTHON, kit.SCRIPTS / "load.py", "http://127.0.0.1:9003/generation", "4", "50", stop])
    for generation in range(2, 2 + reloads):
        before = set(kit.processes(parent=master, name="haproxy"))
        configure(runner, generation)
        said = len(runner_log(runner).read_text())

        def new_worker() -> bool:
            # haproxy loses a signal that comes while it executes itself, natively too, so it is sent again.
            now = set(kit.processes(parent=master, name="haproxy"))
            return bool(now - before) and "Loading success" in runner_log(runner).read_text()[said:]

        for _ in range(kit.DEADLINE // 5):
            os.kill(master, signal.SIGUSR2)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline and not new_worker():
                time.sleep(0.02)
            if new_worker():
                break
        kit.need(new_worker(), "there is no new worker")
        url = "http://127.0.0.1:9003/generation"
        answer = f"{len(f'generation {generation}')} bytes {kit.checksum(f'generation {generation}'.encode()).split()[-1]}"
        kit.wait_until("it answers alone", lambda: answer in kit.curl(runner, [url]))
    stop.touch()
    kit.same(load.wait(kit.DEADLINE), 0, "the client's status")
    output = kit.written(load).decode().splitlines()
    answers = {line.partition(" ")[2] for line in output}
    kit.need(answers <= {f"200 generation {generation}" for generation in range(1, 2 + reloads)}, output)
    return kit.curl(runner, ["http://127.0.0.1:9003/generation", "http://127.0.0.1:9002/large"])


def runner_log(runner: Runner) -> Path:
    """What haproxy says about itself."""
    return next((runner.work / "output").glob("*-haproxy.stderr"))


SUITE = Suite(
    name="programs/haproxy",
    packages=("haproxy", "nginx-light", "curl", "socat", "openssl", "python3"),
    run=run,
    short=True,
    deadline=1800,
)
