"""What a hooked call costs in user instructions, exactly.

    python3 -m bench.instructions.measure [--json FILE] [--limits FILE] [--only CALL…]

A driver makes each call 64 times under callgrind, with a null libc behind the shim (nulllibc.c). The counts of the
same driver without the shim are subtracted, so only the shim's remain. callgrind counts per thread and the driver
turns counting on around its own calls only, so the log's writer is never part of it. Counts are averages: where the
64 calls were not alike (a retry, a new chunk of memory), they are rounded. Likewise strace counts the system calls that
the calling thread makes at level io beyond those that it makes without the shim.

With --limits, the status is 1 when a count exceeds its limit.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from bench.lib.paths import clean_environment, compiled, shim
from bench.lib.variants import TEN_RULES

LEVELS = ["off", "decision", "call", "io"]
COLUMNS = [*LEVELS, "rules", "syscalls"]
WHAT = {"rules": "instructions under ten rules", "syscalls": "system calls, level io"}
CALLS = 64  # As in driver.c.
LOADER = "/lib64/ld-linux-x86-64.so.2"


class Bench:
    """The driver, the null libc, the library and a directory for their output."""

    def __init__(self, directory, library=None):
        self.directory = Path(directory)
        self.library = library or shim()
        # No lazy binding: the first call of a function would cost more than the next.
        self.driver = compiled("bench/instructions/driver.c", "instructions/driver", "-fno-plt", "-Wl,-z,now")
        self.nulllibc = compiled(
            "bench/instructions/nulllibc.c", "instructions/nulllibc.so", "-shared", "-fPIC", "-Wl,-z,now"
        )

    def cases(self):
        """(call, descriptor) → class, in the driver's order."""
        lines = subprocess.run([self.driver, "list"], check=True, capture_output=True, text=True).stdout
        rows = [line.split() for line in lines.splitlines()]
        return {(call, descriptor): kind for call, descriptor, kind in rows}

    def run(self, mode, level, watcher):
        """Runs the driver under a watcher, without the shim if `level` is None. The dynamic linker is told what to
        preload, because a variable would preload it into the watcher as well."""
        preload, environment = str(self.nulllibc), clean_environment()
        log = self.directory / f"{mode}.{level}.log"
        if level == "rules":
            preload = f"{self.library} {preload}"
            rules = self.directory / "rules.toml"
            rules.write_text(TEN_RULES)
            environment |= {"SOCKSHIM_CONFIG": str(rules)}
        elif level:
            preload = f"{self.library} {preload}"
            environment |= {
                "SOCKSHIM_LOG": level,
                "SOCKSHIM_LOG_FORMAT": "json",
                "SOCKSHIM_LOG_FILE": str(log),
            }
        command = [*watcher, LOADER, "--preload", preload, self.driver, mode]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise SystemExit(f"the driver failed under {watcher[0]}, level {level}:\n{done.stderr}")
        if level not in (None, "off", "rules"):
            check_log(log)

    def instructions(self, level, mode="count"):
        """(call, descriptor) → user instructions of all calls of the case."""
        pattern = f"{mode}.{level}.callgrind"
        options = [
            "--tool=callgrind",
            "--collect-atstart=no",
            f"--callgrind-out-file={self.directory / pattern}",
        ]
        self.run(mode, level, ["valgrind", *options])
        counts = {}
        for dump in self.directory.glob(f"{pattern}.*"):
            header = dump.read_text(errors="replace")
            name = re.search(r"^desc: Trigger: Client Request: (\S+) (\S+)$", header, re.M)
            if name:
                counts[name.groups()] = int(re.search(r"^(?:summary|totals): (\d+)", header, re.M)[1])
        return counts

    def system_calls(self, level):
        """(call, descriptor) → system calls of the calling thread during the case."""
        prefix = self.directory / f"{level}.strace"
        self.run("trace", level, ["strace", "-ff", "-qq", "-o", str(prefix)])
        # One file for each thread; only the driver's own has the marks.
        counts, case = {}, None
        for file in self.directory.glob(f"{prefix.name}.*"):
            for line in file.read_text(errors="replace").splitlines():
                if mark := re.match(r'pwrite64\(\d+, "(\S+) (\S+)"', line):
                    case = mark.groups()
                    counts.setdefault(case, 0)
                elif line.startswith("getppid("):
                    case = None
                elif case:
                    counts[case] += 1
        return counts


def check_log(path):
    """A dropped event costs less than one that is sent, and a divergence costs more; neither may be in a count."""
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["call"] in ("dropped", "divergence"):
            raise SystemExit(f"the counts are void, for the log says: {line}")


def measure():
    """One row for each case."""
    with tempfile.TemporaryDirectory(prefix="sockshim-bench.") as directory:
        bench = Bench(directory)
        cases = bench.cases()
        bare = bench.instructions(None)
        counts = {level: bench.instructions(level) for level in [*LEVELS, "rules"]}
        needed, made = bench.system_calls(None), bench.system_calls("io")
        for tool, seen in [("callgrind", bare), ("strace", needed), ("strace", made)]:
            if missing := set(cases) - set(seen):
                raise SystemExit(f"{tool} did not see: {missing}")
    rows = []
    for case, kind in cases.items():
        row = {"name": case[0], "descriptor": case[1], "class": kind, "bare": bare[case] / CALLS}
        for level in [*LEVELS, "rules"]:
            row[level] = (counts[level][case] - bare[case]) / CALLS
        row["syscalls"] = (made[case] - needed[case]) / CALLS
        rows.append(row)
    return rows


def grown():
    """send on a tracked socket while others are open: level → {how many: user instructions per call above bare}"""
    with tempfile.TemporaryDirectory(prefix="sockshim-bench.") as directory:
        bench = Bench(directory)
        bare = bench.instructions(None, "grow")
        found = {}
        for level in LEVELS:
            counts = bench.instructions(level, "grow")
            found[level] = {
                int(many): (counts["send", many] - bare["send", many]) / CALLS for _, many in counts
            }
        return {level: dict(sorted(counts.items())) for level, counts in found.items()}


def exceeded(rows, limits):
    """The counts above their limits, as sentences."""
    for row in rows:
        allowed = dict(limits["classes"][row["class"]][row["descriptor"]])
        allowed |= limits.get("calls", {}).get(row["name"], {}).get(row["descriptor"], {})
        for column in COLUMNS:
            if round(row[column]) > allowed[column]:
                what = WHAT.get(column, f"instructions, level {column}")
                yield (
                    f"{row['name']} on {row['descriptor']} descriptors, {what}: "
                    f"{round(row[column])}, and the limit is {allowed[column]}"
                )


def table(rows):
    """The rows as text."""
    heads = ["name", "descriptor", "class", *COLUMNS]
    cells = [heads] + [
        [c if isinstance(c, str) else str(round(c)) for c in map(row.get, heads)] for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for line in cells:
        left = [cell.ljust(width) for cell, width in zip(line[:3], widths)]
        right = [cell.rjust(width) for cell, width in zip(line[3:], widths[3:])]
        yield "  ".join(left + right)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", metavar="FILE", help="write the rows as JSON too")
    parser.add_argument(
        "--limits", metavar="FILE", help="fail when a count exceeds its limit in this TOML file"
    )
    parser.add_argument("--only", metavar="CALL", nargs="+", help="print these calls only")
    options = parser.parse_args()

    rows = [row for row in measure() if not options.only or row["name"] in options.only]
    print(
        "User instructions per call above bare, by level of the log; under rules about other addresses, without a log; "
        "system calls of the caller at level io"
    )
    for line in table(rows):
        print(line)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    if options.limits:
        limits = tomllib.loads(Path(options.limits).read_text())
        too_much = list(exceeded(rows, limits))
        print("\n".join(too_much) or "no limit is exceeded")
        sys.exit(1 if too_much else 0)


if __name__ == "__main__":
    main()
