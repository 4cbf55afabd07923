"""The programs whose cost per request is measured, and the load that each is given."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from bench.lib.paths import compiled

NGINX = """
daemon off;
master_process off;
pid {work}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {work}/nginx.body;
    proxy_temp_path {work}/nginx.proxy;
    fastcgi_temp_path {work}/nginx.fastcgi;
    uwsgi_temp_path {work}/nginx.uwsgi;
    scgi_temp_path {work}/nginx.scgi;
    server {{ listen 127.0.0.1:{port}; root {work}/site; }}
}}
"""


@dataclass(frozen=True)
class Program:
    """A server and its load generator."""

    name: str
    what: str
    process: str  # The server's name in /proc/PID/comm.
    server: Callable  # (work, port) → command
    load: Callable  # (port, requests) → command
    requests: int  # How many to ask for, when the server is not slowed down.
    done: Callable  # What the load generator printed → how many were answered.


def site(work):
    """A directory with one small page."""
    page = Path(work) / "site/index.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text("<h1>page</h1>\n")
    return page.parent


def http(work, port):
    """The server of c-tests."""
    return [compiled("c-tests/http.c", "programs/http"), port, site(work)]


def nginx(work, port):
    """One process, without a log."""
    site(work)
    conf = Path(work) / "nginx.conf"
    conf.write_text(NGINX.format(work=work, port=port))
    return ["nginx", "-c", conf, "-e", "stderr"]


def redis(work, port):
    """Nothing is saved."""
    return [
        "redis-server",
        "--bind",
        "127.0.0.1",
        "--port",
        port,
        "--save",
        "",
        "--dir",
        work,
        "--io-threads",
        1,
    ]


def memcached(work, port):
    """One worker thread, TCP only."""
    return ["memcached", "-u", "root", "-l", "127.0.0.1", "-p", port, "-U", 0, "-t", 1]


def ab(port, requests):
    """Four connections at a time, each for one request."""
    return ["ab", "-q", "-n", requests, "-c", 4, f"http://127.0.0.1:{port}/index.html"]


def wrk(port, requests):
    """wrk knows no number of requests, so `requests` is a time in milliseconds here; it takes whole seconds."""
    return [
        "wrk",
        "-t",
        1,
        "-c",
        16,
        "-d",
        f"{max(1, round(requests / 1000))}s",
        f"http://127.0.0.1:{port}/index.html",
    ]


def redis_benchmark(pipeline):
    """GET and SET from 16 connections."""

    def command(port, requests):
        return [
            *("redis-benchmark", "-h", "127.0.0.1", "-p", port, "-c", 16, "-t", "get,set"),
            *("-n", requests, "-P", pipeline, "--csv"),
        ]

    return command


def memcaslap(port, requests):
    """16 connections, one thread, nine gets to one set."""
    return ["memcaslap", "-s", f"127.0.0.1:{port}", "-c", 16, "-T", 1, "-x", requests]


def number(pattern, text, flags=re.M):
    """The number that a load generator printed; it is an error if there is none."""
    found = re.search(pattern, text, flags)
    if not found:
        raise ValueError(f"the load generator printed no result: {text.strip()[-80:]!r}")
    return int(found[1])


def ab_done(text, _):
    """Requests that were answered."""
    if number(r"^Failed requests:\s+(\d+)", text):
        raise ValueError("requests have failed")
    return number(r"^Complete requests:\s+(\d+)", text)


def wrk_done(text, _):
    """Requests that were answered; a socket error or another status than 200 makes a run void."""
    if "Socket errors" in text or "Non-2xx" in text:
        raise ValueError("requests have failed")
    return number(r"^\s*(\d+) requests in ", text)


def redis_done(text, requests):
    """Two tests of `requests` each, if both have a line."""
    if len(re.findall(r'^"(?:GET|SET)","[\d.]+"', text, re.M)) != 2:
        raise ValueError(f"redis-benchmark printed no result: {text.strip()[-80:]!r}")
    return 2 * requests


def memcaslap_done(text, _):
    """Gets and sets."""
    return number(r"^cmd_get: (\d+)", text) + number(r"^cmd_set: (\d+)", text)


PROGRAMS = [
    Program("http", "c-tests/http.c, ab -c 4", "http", http, ab, 8000, ab_done),
    Program("nginx", "nginx, one process, wrk -c 16", "nginx", nginx, wrk, 1000, wrk_done),
    Program(
        "redis-P1",
        "redis, redis-benchmark -c 16 -P 1",
        "redis-server",
        redis,
        redis_benchmark(1),
        30000,
        redis_done,
    ),
    Program(
        "redis-P16",
        "redis, redis-benchmark -c 16 -P 16",
        "redis-server",
        redis,
        redis_benchmark(16),
        600000,
        redis_done,
    ),
    Program(
        "memcached",
        "memcached -t 1, memcaslap -c 16",
        "memcached",
        memcached,
        memcaslap,
        60000,
        memcaslap_done,
    ),
]
