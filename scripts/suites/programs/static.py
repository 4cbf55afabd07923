"""The negative control: a program without a dynamic loader. It works the same, and the log does not know of it, so that
"it works" can be told from "it was looked at"."""

from __future__ import annotations

import subprocess

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

BUSYBOX = "/usr/bin/busybox"


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    data = kit.noise(2_000_000 if short else 20_000_000)
    site = runner.work / "site"
    site.mkdir()
    (site / "large").write_bytes(data)
    (site / "page").write_bytes(b"page\n")
    with tests.test("it is static") as saw:
        headers = subprocess.run(["readelf", "--program-headers", BUSYBOX], capture_output=True, check=True, env=runner.plain_env)
        kit.need(b"INTERP" not in headers.stdout, "busybox has a dynamic loader")
    server = runner.start([BUSYBOX, "httpd", "-f", "-p", "127.0.0.1:8080", "-h", site])
    kit.listens(8080)
    with tests.test("static server, static client") as saw:
        for page in ["page", "large", "missing"]:
            result = runner.run([BUSYBOX, "wget", "-q", "-O", "-", f"http://127.0.0.1:8080/{page}"], timeout=kit.DEADLINE)
            saw((result.returncode, kit.checksum(result.stdout), result.stderr.decode()))
    with tests.test("static server, dynamic client") as saw:
        saw(kit.curl(runner, [f"http://127.0.0.1:8080/{page}" for page in ["page", "large", "missing"]]))
    with tests.test("dynamic server, static client") as saw:
        argv: list[Argument] = [kit.PYTHON, "-m", "http.server", "8081", "--bind", "127.0.0.1", "--directory", site]
        python = runner.start(argv)
        kit.listens(8081)
        saw(kit.checksum(kit.succeed(runner, [BUSYBOX, "wget", "-q", "-O", "-", "http://127.0.0.1:8081/large"])))
        saw(kit.ended(runner, python))
    with tests.test("static nc") as saw:
        listener = kit.start(runner, [BUSYBOX, "nc", "-l", "-p", "7001", "-e", "/usr/bin/busybox", "sha256sum"])
        kit.listens(7001)
        saw(kit.succeed(runner, [BUSYBOX, "nc", "127.0.0.1", "7001"], input=data))
        saw(f"exit {listener.wait(kit.DEADLINE)}")
    with tests.test("a dynamic program below a static shell") as saw:
        # The variables go through it, so what it starts is covered again.
        shell = "exec curl --disable --silent --noproxy '*' http://127.0.0.1:8080/page"
        saw(kit.succeed(runner, [BUSYBOX, "sh", "-c", shell]))
    with tests.test("end") as saw:
        saw(kit.ended(runner, server))
    tests.log_hides("busybox", "httpd", "wget", "nc", "sh")
    tests.log_shows(
        ("curl", "connect", "inet_stream_ops", 2),
        ("python3", "accept", "inet_stream_ops"),
    )
    return tests.outcomes


SUITE = Suite(
    name="programs/static",
    packages=("busybox-static", "binutils", "curl", "python3"),
    run=run,
    short=True,
    deadline=1800,
)
