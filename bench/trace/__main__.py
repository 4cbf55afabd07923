"""How long programs take under `sockshim trace` and under strace, over the program alone, and whether the trace has every
call that strace has. `scripts/bench-trace.sh` installs what it needs and calls this.

Wall-clock is that of a load with a fixed number of requests, or of the whole program where there is no server. A server's
trace may come after the load has ended, so it is also measured how long the tracer outlives the server.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.lib import machine
from bench.lib.context import Failure, end_group
from bench.lib.pairs import Summary, in_pairs
from bench.lib.paths import BENCH, ROOT, target
from bench.lib.variants import BARE, Variant
from bench.programs.measure import find, free_port, stop, wait_until_ready
from bench.programs.servers import PROGRAMS, ab, ab_done

PATIENCE = 120
SOCKSHIM = target() / "release/sockshim"


def tracer(name, *prefix, peer=False):
    """A variant with a command before the program's."""
    return Variant(name, name, (*map(str, prefix),), peer=peer)


VARIANTS = [
    # Its difference from bare is the noise.
    Variant("bare again", "the program alone"),
    tracer("sockshim trace", SOCKSHIM, "trace", "-o", "/dev/null", "--"),
    tracer("sockshim trace -s 0", SOCKSHIM, "trace", "-s", "0", "-o", "/dev/null", "--"),
    tracer("strace -f", *"strace -f -e trace=%network -o /dev/null".split(), peer=True),
    tracer("strace -f --seccomp-bpf", *"strace -f --seccomp-bpf -e trace=%network -o /dev/null".split(), peer=True),
]


def servers():
    """The servers with their loads. ab asks nginx too, for it knows a number of requests, and wrk does not."""
    known = {program.name: program for program in PROGRAMS}
    return [
        replace(known["http"], requests=20000),
        replace(known["nginx"], what="nginx, one process, ab -c 4", load=ab, done=ab_done, requests=20000),
        replace(known["redis-P1"], requests=50000),
    ]


SHELL = "300 × `sh -c 'true \\| cat'`, 20 × curl"


class Server:
    """A server that runs in a variant until the block ends."""

    def __init__(self, work, program, variant):
        self.work, self.program, self.variant, self.port = work, program, variant, free_port()

    def __enter__(self):
        command = self.variant.command(*self.program.server(self.work, self.port))
        null = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, env=self.variant.env(), stdin=null, stdout=null, stderr=null, start_new_session=True
        )
        try:
            wait_until_ready(None, self.variant, self.process, self.port)
        except Failure:
            stop(self.process)
            raise
        return self

    def __exit__(self, *_):
        stop(self.process)

    def load(self, requests):
        """Seconds that a load takes."""
        begin = time.monotonic()
        printed = attempt(self.program.load(self.port, requests), BARE)
        seconds = time.monotonic() - begin
        if self.program.done(printed, requests) < requests:
            raise Failure("requests have failed")
        return seconds

    def end(self):
        """Seconds from the server's SIGTERM until its tracer has ended too."""
        begin = time.monotonic()
        os.kill(find(self.process.pid, self.program.process), signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - begin


def attempt(command, variant):
    """What a command prints; it must succeed."""
    command = variant.command(*command)
    process = subprocess.Popen(
        command, env=variant.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        end_group(process)
    if process.returncode != 0:
        raise Failure(f"{command[0]}: {(err.strip() or out.strip() or process.returncode)}")
    return out


def serve(work, program, variant, requests):
    """One server, one load: seconds of the load, and seconds that the server and its tracer take to end."""
    with Server(work, program, variant) as server:
        server.load(max(requests // 20, 32))
        return {"load": server.load(requests), "end": server.end()}


def pipelines(url, variant, count=300):
    """The shell script: seconds until it and its tracer have ended."""
    begin = time.monotonic()
    attempt(["sh", BENCH / "trace/pipelines.sh", url, count], variant)
    return {"load": time.monotonic() - begin}


def compare(work, run):
    """What strace and a trace have recorded of the same run, call by call: prints a table, and is true if they agree."""
    strace, trace = work / "strace.txt", work / "trace.jsonl"
    run(
        tracer(
            "both",
            *(SOCKSHIM, "trace", "-s", "0", "--json", "-o", trace, "--"),
            *("strace", "-f", "-o", strace, "-e", "trace=%network,rt_sigreturn,close_range,unshare"),
        )
    )
    script = ROOT / "scripts/lib/compare_strace.py"
    return subprocess.run([sys.executable, "-B", script, "network", strace, trace], check=False).returncode == 0


def lost(work, run):
    """How many calls a trace at full speed has shown, and how many events it says are missing."""
    trace = work / "trace.txt"
    run(tracer("to a file", SOCKSHIM, "trace", "-o", trace, "--"))
    text = trace.read_text(errors="replace")
    shown = re.search(r"^--- (\d+) calls shown", text, re.M)
    missing = re.search(r"^lost +(\d+) events", text, re.M)
    if not shown:
        raise Failure("the trace has no last block")
    return int(shown[1]), int(missing[1]) if missing else 0


def ratio(pairs, metric, variant):
    """A cell of the table."""
    ratios = pairs.ratios(metric, variant.name)
    if not ratios:
        return "–"
    summary = Summary(ratios)
    return f"{summary.median:.2f} [{summary.low:.2f}, {summary.high:.2f}]"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-trace.sh", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="runs of each variant beside bare (7)")
    parser.add_argument("--only", metavar="PROGRAM", nargs="+", help="http, nginx, redis-P1, shell")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="sockshim-bench.") as work:
        work = Path(work)
        http = servers()[0]
        with Server(work, http, BARE) as fetched:
            url = f"http://127.0.0.1:{fetched.port}/index.html"
            programs = {
                program.name: (
                    program.what,
                    lambda variant, program=program: serve(work, program, variant, program.requests),
                    lambda variant, program=program: serve(work, program, variant, program.requests // 100),
                )
                for program in servers()
            }
            programs["shell"] = (
                SHELL,
                lambda variant: pipelines(url, variant),
                lambda variant: pipelines(url, variant, 60),
            )
            chosen = {name: programs[name] for name in options.only or programs}
            is_complete = report(work, options.rounds, chosen)
    sys.exit(0 if is_complete else 1)


def report(work, rounds, programs):
    """Prints everything, and is true if no trace lacks a call."""
    where = f"Linux {machine.kernel()}, {os.cpu_count()} CPUs"
    print(f"\nWall-clock over bare, median of {rounds} pairs [its interval], {where}\n")
    print("|", *(f"| {variant.name}" for variant in VARIANTS), "|")
    print("|---|" + "---:|" * len(VARIANTS))
    ends = []
    for what, run, _ in programs.values():
        pairs = in_pairs(rounds, VARIANTS, BARE, run, share_bare=True)
        seconds = Summary(pairs.bare("load")).median
        cells = [ratio(pairs, "load", variant) for variant in VARIANTS]
        print("|", " | ".join([f"{what} ({seconds:.2f} s)", *cells]), "|", flush=True)
        if "end" in pairs.metrics():
            later = {v.name: 1000 * Summary(pairs.differences("end", v.name)).median for v in VARIANTS}
            ends.append((what, ", ".join(f"{name} {value:.0f}" for name, value in later.items())))
    print("\nMilliseconds that the server's end takes longer than bare, with what the tracer has still to write:")
    for what, later in ends:
        print(f"    {what}: {later}")

    is_complete = True
    for what, run, few in programs.values():
        print(f"\n{what}: strace and the trace of the same run", flush=True)
        is_complete &= compare(work, few)
        shown, missing = lost(work, run)
        is_complete &= not missing
        print(f"at full speed: {shown} calls shown, {missing} lost")
    return is_complete


if __name__ == "__main__":
    main()
