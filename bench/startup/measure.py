"""Start-up and memory: the cost of starting a program with the library, and the library's size."""

import re
import subprocess
from pathlib import Path

from bench.lib.context import Failure
from bench.lib.pairs import in_pairs
from bench.lib.paths import compiled, shim
from bench.lib.variants import BARE

LIBRARIES = {
    "socket_wrapper": "libsocket_wrapper.so",
    "torsocks": "torsocks/libtorsocks.so",
    "proxychains4": "libproxychains.so.4",
    "mptcpize": "mptcpize/libmptcpwrap.so",
}


def run(context):
    """{"pairs": "exec" and memory, "reasons", "files"}"""
    spawn = compiled("bench/startup/spawn.c", "startup/spawn")
    trivial = compiled("bench/startup/trivial.c", "startup/trivial")
    reasons = {}

    def variables(variant):
        return [
            f"{name}={value}"
            for name, value in variant.env().items()
            if name in ("PATH", *variant.environment)
        ]

    def started(variant):
        """The fastest and the median of many runs, in nanoseconds, and page faults. A tracer gets fewer, for each takes
        longer."""
        count = 20 if variant.prefix else 100
        command = [spawn, count, *variables(variant), "--", *variant.command(trivial)]
        words = list(map(float, context.attempt(command, BARE.env(), 120).split()))
        times, faults = sorted(words[::2]), sorted(words[1::2])
        context.sweep_logs()
        middle = len(times) // 2
        return {"exec best": times[0], "exec median": times[middle], "page faults": faults[middle]}

    def resident(variant):
        """Resident memory in kB, without a tracer's own."""
        printed = context.attempt(variant.command(trivial, "memory"), variant.env(), 60).split()
        context.sweep_logs()
        return {name: float(value) for name, value in zip(printed[::2], printed[1::2])}

    def once(variant):
        try:
            return started(variant) | resident(variant)
        except (Failure, ValueError) as failure:
            reasons[variant.name] = str(failure)
            return None

    # Many short rounds: memory differs by a page or two with the layout of the address space.
    pairs = in_pairs(context.rounds * 2, context.variants, BARE, once)
    return {"pairs": pairs.data, "reasons": reasons, "files": files()}


def files():
    """Size in bytes and DT_NEEDED of the library, and of the peers' libraries that are installed."""
    found = {"sockshim": describe(shim())}
    for name, library in LIBRARIES.items():
        for directory in Path("/usr/lib").glob("*-linux-gnu"):
            if (path := directory / library).exists():
                found[name] = describe(path)
    return found


def describe(path):
    """One file."""
    dynamic = subprocess.run(["readelf", "-dW", path], check=True, capture_output=True, text=True).stdout
    return {"size": path.resolve().stat().st_size, "needed": re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)}
