"""Where the cost is: the functions that a logged call spends its instructions in, the system calls that logging adds to the
start of a program, and the memory that becomes resident, by kind.

The other parts show how much something costs; this one shows where to look first."""

import re
import statistics
import subprocess
import tempfile
from collections import Counter

from bench.instructions.measure import CALLS, Bench
from bench.lib.paths import clean_environment, compiled, shim, target
from bench.lib.variants import BARE, ours

LEVELS = ("off", "call", "io")

# The calls, and the level at which they are logged.
CALLS_SHOWN = {"socket": "call", "connect": "call", "setsockopt": "call", "send": "io", "recvmsg": "io"}

FRAMES = re.compile(r"main\b|\(below main\)|__libc_start_main|0x")

# Memory differs by a page or two with the layout of the address space.
REPEATS = 15


def run(context):
    """{"functions": {call: {function: instructions}}, "start": {level: {system call: count}}, "memory": {level: {kind: kB}}}"""
    return {"functions": functions(), "start": start(context), "memory": memory(context)}


def library_with_symbols():
    """The released library, but not stripped: the same machine code, with the names of its functions."""
    command = ["cargo", "build", "--profile", "profiling", "--locked", "--package", "sockshim-preload"]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit("the library with symbols does not build")
    return target() / "profiling/libsockshim.so"


def functions():
    """The shim's own instructions by function: what a call costs above bare, split up."""
    library = library_with_symbols()
    found = {}
    with tempfile.TemporaryDirectory(prefix="sockshim-bench.") as directory:
        bench = Bench(directory, library)
        bare = profiles(bench, None)
        levels = {level: profiles(bench, level) for level in set(CALLS_SHOWN.values())}
    for call, level in CALLS_SHOWN.items():
        more = levels[level][call]
        more.subtract(bare[call])
        found[f"{call}, level {level}"] = {name: count / CALLS for name, count in more.most_common() if count}
    return found


def profiles(bench, level):
    """call → function → instructions of all calls on a tracked socket."""
    bench.instructions(level)
    found = {}
    for dump in bench.directory.glob(f"count.{level}.callgrind.*"):
        case = re.search(
            r"^desc: Trigger: Client Request: (\S+) tracked$", dump.read_text(errors="replace"), re.M
        )
        if case and case[1] in CALLS_SHOWN:
            found[case[1]] = by_function(dump)
    return found


def by_function(dump):
    """What callgrind_annotate says of a dump: function → instructions of its own. The driver's frames, which it lists with
    all that they call, are left out."""
    command = ["callgrind_annotate", "--threshold=100", "--auto=no", "--show=Ir", dump]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    counts = Counter()
    for count, where in re.findall(r"^ *([\d,]+) (?:\([ \d.]+%\) )? *\S*?:(.+)$", printed, re.M):
        if not FRAMES.match(where):
            counts[function(where)] += int(count.replace(",", ""))
    return counts


def function(where):
    """`function [object]` without the object's directory, the hash that rustc adds, and a recursion's number."""
    name, _, rest = where.partition(" [")
    name = re.sub(r"::h[0-9a-f]{16}|'\d+$", "", name)
    return name if "sockshim" in rest else f"{name} (in {rest.rpartition('/')[2].rstrip(']')})"


def levels(context):
    """sockshim's variants."""
    return [variant for variant in ours(context.work) if variant.name in LEVELS]


def start(context):
    """System calls of all threads of a program that does nothing, above bare."""
    trivial = compiled("bench/startup/trivial.c", "startup/trivial")

    def made(variant):
        log = context.work / "start.strace"
        # strace itself must not be under the shim, so the variables are given to the program.
        given = [f"-E{name}={value}" for name, value in variant.environment.items()]
        subprocess.run(
            ["strace", "-f", "-qq", *given, "-o", log, trivial], env=clean_environment(), check=True
        )
        context.sweep_logs()
        names = re.findall(r"^\d+ +(\w+)\(", log.read_text(errors="replace"), re.M)
        return Counter(names)

    bare = made(BARE)
    found = {}
    for variant in levels(context):
        more = made(variant)
        more.subtract(bare)
        found[variant.name] = {name: count for name, count in more.most_common() if count}
    return found


def memory(context):
    """What is resident of a program that has made a few sockets, above bare: kind of mapping → kB."""
    trivial = compiled("bench/startup/trivial.c", "startup/trivial")

    def resident(variant):
        rounds = []
        for _ in range(REPEATS):
            rounds.append(by_kind(context.attempt([trivial, "smaps"], variant.env(), 60)))
            context.sweep_logs()
        kinds = dict.fromkeys(kind for kinds in rounds for kind in kinds)
        return {kind: statistics.median(found[kind] for found in rounds) for kind in kinds}

    bare = resident(BARE)
    found = {}
    for variant in levels(context):
        more = resident(variant)
        found[variant.name] = {kind: more[kind] - bare.get(kind, 0) for kind in more}
    return found


def by_kind(smaps):
    """Resident kB by kind of mapping."""
    counts, kind = Counter(), None
    for line in smaps.splitlines():
        if mapping := re.match(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \S+ *(.*)", line):
            kind = kind_of(*mapping.groups())
        elif resident := re.match(r"Rss: +(\d+) kB", line):
            counts[kind] += int(resident[1])
        elif (own := re.match(r"Anonymous: +(\d+) kB", line)) and kind.startswith("library"):
            counts["of the library's: written to, so the process's own"] += int(own[1])
    return counts


def kind_of(access, name):
    """The kind of a mapping."""
    if name.endswith(shim().name):
        kinds = {"r-xp": "library: code", "r--p": "library: constants and what is relocated"}
        return kinds.get(access, "library: data")
    if name.startswith("/"):
        return "libc, loader and program"
    return {"[heap]": "heap", "[stack]": "stack"}.get(name, "anonymous memory")
