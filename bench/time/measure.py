"""How long real calls take, under every variant, in pairs with bare; and what a logged call costs the program's thread
when the log's writer has nothing else to do."""

import re
import subprocess

from bench.lib.context import Failure
from bench.lib.pairs import Summary, in_pairs
from bench.lib.paths import compiled, shim
from bench.lib.variants import BARE, ours

BATCHES = 10
LOADER = "/lib64/ld-linux-x86-64.so.2"


def run(context):
    """{"pairs", "reasons", "dropped", "paced", "direct"}"""
    driver = compiled("bench/time/driver.c", "time/driver")
    reasons, dropped = {}, {}

    def once(variant):
        """operation → nanoseconds per call: the fastest batch, because others were disturbed."""
        command = variant.command(driver, BATCHES)
        try:
            done = context.attempt(command, variant.env(), 300)
        except Failure as failure:
            reasons[variant.name] = str(failure)
            return None
        dropped[variant.name] = dropped.get(variant.name, 0) + context.sweep_logs()
        found = {}
        for line in done.splitlines():
            name, *values = line.split()
            if values and values[0] == "-":
                reasons[f"{variant.name}, {name}"] = line.split(" - ", 1)[1]
            elif re.fullmatch(r"\w+( [\d.]+)+ *", line):
                found[name] = min(map(float, values))
        return found

    pairs = in_pairs(context.rounds, context.variants, BARE, once)
    return {
        "pairs": pairs.data,
        "reasons": reasons,
        "dropped": dropped,
        "paced": paced(context),
        "direct": direct(context),
    }


def paced(context):
    """send on a tracked socket with the null libc, one call each 30 µs: {variant: [{"p50", "p90", "p99", "burst"}]}"""
    driver = compiled("bench/time/paced.c", "time/paced", "-fno-plt", "-Wl,-z,now")
    nulllibc = compiled(
        "bench/instructions/nulllibc.c", "instructions/nulllibc.so", "-shared", "-fPIC", "-Wl,-z,now"
    )
    found = {}
    levels = [variant for variant in ours(context.work) if variant.name in ("off", "call", "io")]
    for _ in range(context.rounds):
        for variant in [BARE, *levels]:
            environment = variant.env()
            preload = [str(shim())] if environment.pop("LD_PRELOAD", None) else []
            command = [LOADER, "--preload", " ".join([*preload, str(nulllibc)]), driver]
            done = subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True, timeout=300
            )
            context.sweep_logs()
            names = done.stdout.split()
            found.setdefault(variant.name, []).append(dict(zip(names[::2], map(float, names[1::2]))))
    return found


def direct(context):
    """fcntl(F_GETFL) through the hook and around it, in one process: "LEVEL DESCRIPTOR" → {"hook", "noise", "ns"}.

    Nothing is logged here, so no queue can fill: a pipe at every level, a socket while logging is off.
    """
    driver = compiled("bench/time/direct.c", "time/direct")
    levels = {variant.name: variant for variant in ours(context.work)}
    found = {}
    for level, descriptor in [("off", "pipe"), ("off", "socket"), ("call", "pipe"), ("io", "pipe")]:
        rows = []
        for _ in range(context.rounds):
            out = context.attempt([driver, descriptor], levels[level].env(), 60)
            rows += [tuple(map(float, line.split())) for line in out.splitlines()]
            context.sweep_logs()
        found[f"{level} {descriptor}"] = {
            "hook": summarised([hooked / libcs for hooked, libcs, _ in rows]),
            "noise": summarised([again / libcs for _, libcs, again in rows]),
            "ns": summarised([hooked - libcs for hooked, libcs, _ in rows]),
        }
    return found


def summarised(values):
    """The median and its interval."""
    summary = Summary(values)
    return {"median": summary.median, "low": summary.low, "high": summary.high, "count": summary.count}
