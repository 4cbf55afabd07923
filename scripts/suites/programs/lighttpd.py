"""lighttpd, with curl: files, CGI programs, a proxy, and a restart that loses nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from ..lib.runner import Runner
from ..lib.suite import Outcomes, Suite
from . import kit

SOCKET = Path("/tmp/lighttpd.socket")

CONFIGURATION = """
server.modules = ("mod_cgi", "mod_proxy", "mod_redirect")
server.document-root = "{work}/site"
server.bind = "127.0.0.1"
server.port = 8080
server.errorlog = "{work}/error.log"
server.upload-dirs = ("{work}")
server.feature-flags += ("server.graceful-shutdown-timeout" => 300)
server.systemd-socket-activation = "disable"
mimetype.assign = ("" => "application/octet-stream")
cgi.assign = (".sh" => "/bin/sh")
url.redirect = ("^/old" => "/page")
$SERVER["socket"] == "[::1]:8080" {{ }}
$SERVER["socket"] == "{socket}" {{ }}
$SERVER["socket"] == "127.0.0.1:8081" {{
    proxy.server = ("" => (("host" => "127.0.0.1", "port" => 8080)))
}}
$SERVER["socket"] == "127.0.0.1:8082" {{
    proxy.server = ("" => (("host" => "{socket}")))
}}
"""


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    site = runner.work / "site"
    site.mkdir()
    for name, content in {"empty": b"", "page": kit.noise(300_000), "large": kit.noise(3_000_000 if short else 20_000_000)}.items():
        (site / name).write_bytes(content)
    (site / "sum.sh").write_text("printf 'Content-Type: text/plain\\r\\n\\r\\n'; sha256sum; echo $REQUEST_METHOD $QUERY_STRING\n")
    (runner.work / "lighttpd.conf").write_text(CONFIGURATION.format(work=runner.work, socket=SOCKET))

    server = runner.start(["/usr/sbin/lighttpd", "-D", "-f", runner.work / "lighttpd.conf"])
    kit.listens(8080, 8081, 8082, SOCKET)
    everywhere = {
        "TCP": ("http://127.0.0.1:8080/", []),
        "IPv6": ("http://[::1]:8080/", []),
        "UNIX socket": ("http://localhost/", ["--unix-socket", SOCKET]),
        "proxy to TCP": ("http://127.0.0.1:8081/", []),
        "proxy to a UNIX socket": ("http://127.0.0.1:8082/", []),
    }
    for name, (base, options) in everywhere.items():
        with tests.test(f"{name}: download") as saw:
            saw(kit.curl(runner, [base + page for page in ["empty", "page", "missing", "large", "old"]], *options))
        with tests.test(f"{name}: upload to a CGI program") as saw:
            saw(kit.curl(runner, [f"{base}sum.sh?a=b"], "--data-binary", f"@{site / 'large'}", *options))
    with tests.test("parallel downloads") as saw:
        urls = [f"http://127.0.0.1:{port}/{page}" for port in [8080, 8081, 8082] for page in ["large", "page", "sum.sh"]]
        seen = kit.curl(runner, urls, "--parallel", "--write-out", "%{http_code}\n")
        saw(seen)
    with tests.test("restart under load") as saw:
        saw(restart_under_load(runner, server.pid))
    with tests.test("end") as saw:
        # SIGINT: finish what was begun.
        saw(kit.ended(runner, server, signal.SIGINT))
    tests.log_shows(
        ("lighttpd", "accept", "inet_stream_ops"),
        ("lighttpd", "accept", "inet6_stream_ops"),
        ("lighttpd", "accept", "unix_stream_ops"),
        ("lighttpd", "connect", "inet_stream_ops"),
        ("lighttpd", "connect", "unix_stream_ops"),
        ("lighttpd", "write", "inet_stream_ops"),
        ("curl", "connect", "inet_stream_ops", 4),
        ("curl", "connect", "unix_stream_ops"),
    )
    return tests.outcomes


def restart_under_load(runner: Runner, server: int) -> str:
    """SIGUSR1 makes lighttpd finish its requests and execute its configuration anew, in the same process and with the
    same listeners."""
    stop = runner.work / "stop"
    load = kit.start(runner, [kit.PYTHON, kit.SCRIPTS / "load.py", "http://127.0.0.1:8080/empty", "4", "50", stop])
    log = runner.work / "error.log"
    for restart in range(1, 4):
        os.kill(server, signal.SIGUSR1)
        kit.wait_until("it has restarted", lambda: log.read_text().count("server started") > restart)
    stop.touch()
    kit.same(load.wait(kit.DEADLINE), 0, "the client's status")
    output = kit.written(load).decode().splitlines()
    return ", ".join(line.partition(" ")[2] for line in output)


SUITE = Suite(
    name="programs/lighttpd",
    packages=("lighttpd", "curl", "python3"),
    run=run,
    short=True,
    deadline=1800,
)
