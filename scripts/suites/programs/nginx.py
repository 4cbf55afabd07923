"""nginx, with curl, wrk and a client in Python."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from ..lib.runner import Argument, Runner
from ..lib.suite import Outcomes, Suite
from . import kit

SOCKET = Path("/tmp/nginx.socket")


def run(runner: Runner, short: bool) -> Outcomes:
    tests = kit.Tests(runner)
    size = 3_000_000 if short else 20_000_000
    site(runner, size)

    configure(runner, generation=1)
    server = runner.start(nginx(runner, "daemon off;"))
    kit.listens(8080, 8081, 8082, 8443, SOCKET)
    pages = ["generation", "empty", "page", "missing", "large"]
    everywhere = {
        "TCP": (["http://127.0.0.1:8080/"], []),
        "IPv6": (["http://[::1]:8080/"], []),
        "UNIX socket": (["http://localhost/"], ["--unix-socket", SOCKET]),
        "proxy to TCP": (["http://127.0.0.1:8082/tcp/"], []),
        "proxy to a UNIX socket": (["http://127.0.0.1:8082/unix/"], []),
        "reuseport": (["http://127.0.0.1:8081/"], []),
        "TLS and HTTP/2": (["https://localhost:8443/"], ["--cacert", kit.certificate(runner)[0], "--http2"]),
    }
    for name, ([base], options) in everywhere.items():
        with tests.test(f"{name}: download") as saw:
            saw(kit.curl(runner, [base + page for page in pages], *options))
    for name in ["TCP", "proxy to TCP", "TLS and HTTP/2"]:
        [base], options = everywhere[name]
        with tests.test(f"{name}: upload") as saw:
            upload(runner, saw, base, options)
    with tests.test("a part of a file") as saw:
        saw(kit.curl(runner, ["http://127.0.0.1:8080/large"], "--range", "1000000-1999999"))

    with tests.test("wrk") as saw:
        for url in ["http://127.0.0.1:8080/page", "http://127.0.0.1:8081/page"]:
            wrk(runner, saw, url)
    with tests.test("reload under load") as saw:
        saw(reload_under_load(runner, server.pid, reloads=2 if short else 8))
    with tests.test("graceful quit during a download") as saw:
        saw(quit_during_download(runner, server))

    with tests.test("another binary takes the listeners over") as saw:
        saw(upgrade(runner))
    tests.log_shows(
        ("nginx", "accept", "inet_stream_ops", 4),
        ("nginx", "accept", "inet6_stream_ops"),
        ("nginx", "accept", "unix_stream_ops"),
        ("nginx", "connect", "inet_stream_ops"),
        ("nginx", "connect", "unix_stream_ops"),
        ("nginx", "write", "inet_stream_ops", 4),
        ("curl", "connect", "inet_stream_ops"),
        ("curl", "connect", "inet6_stream_ops"),
        ("curl", "connect", "unix_stream_ops"),
        ("wrk", "connect", "inet_stream_ops", 2),
    )
    return tests.outcomes


def site(runner: Runner, size: int) -> None:
    """Makes the files that are served, and the directory that takes uploads, for a worker that is not root."""
    for name, content in {"empty": b"", "page": kit.noise(300_000), "large": kit.noise(size)}.items():
        (runner.work / "site").mkdir(exist_ok=True)
        (runner.work / "site" / name).write_bytes(content)
    uploads = runner.work / "site" / "uploads"
    uploads.mkdir()
    uploads.chmod(0o777)
    runner.work.chmod(0o777)


def configure(runner: Runner, generation: int) -> None:
    """Writes a configuration that uses nothing of the machine's: no log, no pid file, no module."""
    certificate, key = kit.certificate(runner)
    temporary = " ".join(f"{name}_temp_path tmp_{name};" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    serve = f"""
        root site;
        client_max_body_size 100m;
        location /uploads/ {{ dav_methods PUT; }}
        location = /generation {{ return 200 "generation {generation}"; }}
    """
    (runner.work / "nginx.conf").write_text(f"""
        worker_processes 2; user www-data; pid pid; error_log error.log info;
        events {{ worker_connections 256; }}
        http {{
            access_log off; sendfile on; {temporary}
            upstream over_tcp {{ server 127.0.0.1:8080; keepalive 4; }}
            upstream over_unix {{ server unix:{SOCKET}; }}
            server {{ listen 127.0.0.1:8080; listen [::1]:8080; listen unix:{SOCKET}; {serve} }}
            server {{ listen 127.0.0.1:8081 reuseport; {serve} }}
            server {{ listen 127.0.0.1:8443 ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key}; {serve} }}
            server {{
                listen 127.0.0.1:8082;
                client_max_body_size 100m; proxy_http_version 1.1; proxy_set_header Connection "";
                location /tcp/ {{ proxy_pass http://over_tcp/; }}
                location /unix/ {{ proxy_pass http://over_unix/; }}
            }}
        }}
    """)


def nginx(runner: Runner, directive: str) -> list[Argument]:
    # A worker that is not root has to reach the site.
    prefix = runner.work
    return ["/usr/sbin/nginx", "-p", prefix, "-e", prefix / "error.log", "-c", "nginx.conf", "-g", directive]


def upload(runner: Runner, saw: kit.Saw, base: str, options: list[Argument]) -> None:
    stored = runner.work / "site" / "uploads" / "upload"
    stored.unlink(missing_ok=True)
    large = runner.work / "site" / "large"
    saw(kit.curl(runner, [f"{base}uploads/upload"], "--upload-file", large, *options))
    kit.same(kit.checksum(stored), kit.checksum(large), "what was stored")


def wrk(runner: Runner, saw: kit.Saw, url: str) -> None:
    """Only that every answer was right is recorded: the numbers differ from run to run."""
    argv = ["wrk", "--threads", "2", "--connections", "16", "--duration", "1s", "--timeout", f"{kit.DEADLINE}s", url]
    said = kit.succeed(runner, argv).decode()
    requests = re.search(r"(\d+) requests in", said)
    kit.need(requests and int(requests[1]) > 0, said)
    saw(re.findall(r"Non-2xx.*|Socket errors.*", said))


def reload_under_load(runner: Runner, master: int, reloads: int) -> str:
    """Every request is answered by a worker of the old generation or of the new one."""
    stop = runner.work / "stop"
    load = kit.start(runner, [kit.PYTHON, kit.SCRIPTS / "load.py", "http://127.0.0.1:8080/generation", "4", "50", stop])
    for generation in range(2, 2 + reloads):
        before = set(kit.processes(parent=master))
        configure(runner, generation)
        os.kill(master, signal.SIGHUP)
        # The load goes on until the old workers have ended.
        kit.wait_until("the workers are new", lambda: len(kit.processes(parent=master)) == 2
                       and not before & set(kit.processes(parent=master)))  # fmt: skip
    stop.touch()
    kit.same(load.wait(kit.DEADLINE), 0, "the client's status")
    output = kit.written(load).decode().splitlines()
    answers = {line.partition(" ")[2]: int(line.split()[0]) for line in output}
    possible = {f"200 generation {generation}" for generation in range(1, 2 + reloads)}
    kit.need(answers.keys() <= possible and sum(answers.values()) >= 200, answers)
    stop.unlink()
    return kit.curl(runner, ["http://127.0.0.1:8080/generation"])


def quit_during_download(runner: Runner, server: subprocess.Popen[bytes]) -> str:
    """A download that has begun is finished, and the listeners are gone meanwhile."""
    body = runner.work / "slow"
    slow = ["curl", "--disable", "--silent", "--limit-rate", "2M", "--max-time", str(kit.DEADLINE), "--output", body]
    client = runner.start([*slow, "http://127.0.0.1:8080/large"])
    kit.wait_until("the download has begun", lambda: body.exists() and body.stat().st_size > 0)
    end = kit.ended(runner, server, signal.SIGQUIT)
    status = client.wait(kit.DEADLINE)
    kit.same(kit.checksum(body), kit.checksum(runner.work / "site" / "large"), "the download")
    return f"{end}, curl: {status}, socket left: {SOCKET.exists()}"


def upgrade(runner: Runner) -> str:
    """SIGUSR2: a daemon executes nginx anew, which finds its listeners open; the old one quits."""
    configure(runner, generation=1)
    pid = runner.work / "pid"
    kit.succeed(runner, nginx(runner, "daemon on;"))
    kit.listens(8080, 8081, 8082, 8443, SOCKET)
    kit.wait_until("the pid is written", lambda: pid.exists() and pid.read_text().strip())
    old = int(pid.read_text())
    os.kill(old, signal.SIGUSR2)
    # The old pid file is renamed while there are two masters.
    kit.wait_until("there is a new master", lambda: Path(f"{pid}.oldbin").exists() and pid.exists() and pid.read_text().strip())
    new = int(pid.read_text())
    kit.wait_until("it has its workers", lambda: len(kit.processes(parent=new)) == 2)
    os.kill(old, signal.SIGQUIT)
    kit.wait_until("the old master has ended", lambda: old not in kit.processes())
    seen = kit.curl(runner, ["http://127.0.0.1:8080/page", "http://[::1]:8080/page", "http://127.0.0.1:8081/page"])
    seen += "; " + kit.curl(runner, ["http://localhost/large"], "--unix-socket", SOCKET)
    os.kill(new, signal.SIGTERM)
    kit.wait_until("the new master has ended", lambda: not kit.processes(name="nginx"))
    return f"{seen}; pid file left: {pid.exists()}"


SUITE = Suite(
    name="programs/nginx",
    packages=("nginx-light", "curl", "wrk", "openssl", "python3"),
    run=run,
    short=True,
    deadline=1800,
)
