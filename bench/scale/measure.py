"""Scale: what fcntl on a socket costs with many sockets open, and from many threads.

The kernel and the machine's caches have a growth of their own, so what counts is the difference from bare under the same
conditions."""

from bench.lib.context import Failure
from bench.lib.pairs import in_pairs
from bench.lib.paths import compiled
from bench.lib.variants import BARE

SOCKETS = [1, 1000, 100000]
THREADS = [1, 2, 4, 16]
LEVELS = ("control", "off", "call", "io")


def run(context):
    """{"pairs": {"sockets 1": …, "threads same 1": …}, "opened": {wanted: opened}, "dropped", "reasons"}"""
    driver = compiled("bench/scale/driver.c", "scale/driver")
    variants = [variant for variant in context.variants if variant.name in LEVELS]
    cases = {f"sockets {count}": ["sockets", count] for count in SOCKETS}
    for which in ("same", "own"):
        cases |= {f"threads {which} {count}": ["threads", count, which] for count in THREADS}
    result, opened, dropped, reasons = {}, {}, {}, {}
    for name, arguments in cases.items():

        def once(variant, name=name, arguments=arguments):
            try:
                values = list(map(float, context.attempt([driver, *arguments], variant.env(), 120).split()))
            except Failure as failure:
                reasons[f"{variant.name}, {name}"] = str(failure)
                return None
            dropped[variant.name] = dropped.get(variant.name, 0) + context.sweep_logs()
            if arguments[0] == "sockets":
                opened[name] = int(values.pop(0))
            return {name: values[0]}

        result |= in_pairs(context.rounds, variants, BARE, once).data
    return {"pairs": result, "opened": opened, "dropped": dropped, "reasons": reasons}
