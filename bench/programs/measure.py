"""Whole programs: throughput, and the server's CPU time per request, in pairs with bare.

Throughput depends on the machine's load and on how two processes share it; CPU time per request much less. CPU time is
what the scheduler has counted for all threads of the server, including the log's writer. A tracer's own time is counted
separately.
"""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.lib.context import Failure, end_group
from bench.lib.pairs import in_pairs
from bench.lib.variants import BARE
from bench.programs.servers import PROGRAMS

PATIENCE = 30

# The name of the log's writer.
WRITER = "sockshim-log"


def run(context):
    """{"pairs": {"PROGRAM METRIC": …}, "reasons"}"""
    result, reasons = {}, {}
    for program in PROGRAMS:

        def once(variant, program=program):
            if variant.speed < 0.1 and program.name != "http":
                reasons[f"{variant.name}, {program.name}"] = (
                    "left out: a request takes hundreds of times as long"
                )
                return None
            try:
                return serve(context, program, variant)
            except (Failure, OSError, ValueError) as failure:
                reasons[f"{variant.name}, {program.name}"] = context.anonymous(str(failure))
                return None

        pairs = in_pairs(context.rounds, context.variants, BARE, once, share_bare=True)
        result |= {f"{program.name} {metric}": pairs.data[metric] for metric in pairs.metrics()}
    return {"pairs": result, "reasons": reasons, "programs": {p.name: p.what for p in PROGRAMS}}


def serve(context, program, variant):
    """One server, one load: {"rps", "cpu", "writer", "with tracer"}; all but the first in nanoseconds per request."""
    port = free_port()
    server = subprocess.Popen(
        list(map(str, variant.command(*program.server(context.work, port)))),
        env=variant.env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_ready(context, variant, server, port)
        pid = find(server.pid, program.process)
        client = variant.env() if variant.client else BARE.env()
        requests = max(int(program.requests * variant.speed), 100)
        warm_up = 1000 if program.name == "nginx" else max(requests // 10, 32)
        context.attempt(program.load(port, warm_up), client, PATIENCE)

        before, begin = cpu_of(server.pid, pid), time.monotonic()
        printed = context.attempt(program.load(port, requests), client, PATIENCE)
        seconds, after = time.monotonic() - begin, cpu_of(server.pid, pid)
        done = program.done(printed, requests)
        return {
            "rps": done / seconds,
            "cpu": (after.server - before.server) / done,
            "writer": (after.writer - before.writer) / done,
            "with tracer": (after.server + after.above - before.server - before.above) / done,
        }
    finally:
        stop(server)
        context.sweep_logs()
        for file in (context.work / "socket_wrapper").iterdir():
            file.unlink(missing_ok=True)


def free_port():
    """A port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(context, variant, server, port):
    """Waits until the port answers; with socket_wrapper, until its socket file for the port exists."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Failure(f"the server ended with status {server.returncode}")
        if variant.client:
            if any((context.work / "socket_wrapper").iterdir()):
                return
        else:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
        time.sleep(0.02)
    raise Failure(f"the server did not listen within {PATIENCE} s")


def children(pid):
    """The direct children of a process."""
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def find(pid, name):
    """The process of this name, at or below `pid`."""
    if Path(f"/proc/{pid}/comm").read_text().strip() == name:
        return pid
    for child in children(pid):
        if found := find(child, name):
            return found
    return None


@dataclass(frozen=True)
class Spent:
    """CPU nanoseconds: of the server and its log's writer, of the writer alone, of the processes above the server."""

    server: int
    writer: int
    above: int


def cpu_of(root, server):
    """The CPU time so far."""
    if server is None:
        raise Failure("the server is not among the processes that were started")
    # The writer is a child of the server's, and where it cannot be, a thread.
    parts = spent(server) + [part for child in children(server) for part in spent(child) if part[0] == WRITER]
    writer = sum(time for name, time in parts if name == WRITER)
    above = 0 if root == server else sum(time for _, time in spent(root))
    return Spent(sum(time for _, time in parts), writer, above)


def spent(pid):
    """(name, what the scheduler has counted) of all threads that exist."""
    return [
        ((task / "comm").read_text().strip(), int((task / "schedstat").read_text().split()[0]))
        for task in Path(f"/proc/{pid}/task").iterdir()
    ]


def stop(server):
    """Sends SIGTERM to the whole group, and SIGKILL to the rest after five seconds."""
    if server.poll() is None:
        try:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
    end_group(server)
