"""Redis's own tests, from Debian's source package, against Debian's programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from .lib.debsrc import installed, source
from .lib.runner import Runner
from .lib.suite import Outcomes, Suite

# The units that are about connections; the others test what a database does with its data. `integration/psync2` is not
# among them, because it draws lots for what it does, and for the names of its tests.
UNITS = (
    "unit/networking",
    "unit/protocol",
    "unit/multi",
    "unit/pubsub",
    "unit/pubsubshard",
    "unit/quit",
    "unit/pause",
    "unit/querybuf",
    "unit/limits",
    "unit/obuf-limits",
    "unit/wait",
    "unit/tracking",
    "unit/shutdown",
    "integration/shutdown",
    "integration/redis-cli",
    "integration/redis-benchmark",
    "integration/block-repl",
    "integration/replication",
    "integration/replication-2",
    "integration/replication-3",
    "integration/replication-4",
    "integration/replication-psync",
    "integration/replication-buffer",
    "integration/failover",
)
SHORT = ("unit/networking", "unit/protocol", "unit/multi", "unit/pubsub", "unit/quit")

PROGRAMS = ("redis-server", "redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb")

# Against hangs only. A unit that makes no progress is given up by redis's own driver first, which then says so.
NO_PROGRESS = 600
UNIT_DEADLINE = 1800

# A line such as "[ok]: PING (0 ms)". What servers and clients write may stand before it on the same line.
LINE = re.compile(r"\[(ok|err|skip|ignore|exception|TIMEOUT)\]: (.*)$")
OUTCOMES = {"ok": "pass", "err": "fail", "skip": "skip", "ignore": "skip"}


def prepare(prepared: Path) -> None:
    """Unpacks the source."""
    source("redis-server", prepared)


def version(_prepared: Path) -> str:
    return installed("redis-server")[1]


def run(runner: Runner, short: bool) -> Outcomes:
    """Runs the units one after the other, each in a driver of its own: one that breaks off takes no other along."""
    tree = unpacked(runner)
    outcomes: Outcomes = {}
    for unit in wanted(runner, short):
        outcomes |= run_unit(runner, tree, unit)
    return outcomes


def wanted(runner: Runner, short: bool) -> list[str]:
    """The units of this run; in a repetition, those that have the tests to repeat."""
    units = SHORT if short else UNITS
    if runner.only is None:
        return list(units)
    return [unit for unit in units if any(test.startswith(f"{unit}: ") for test in runner.only)]


def unpacked(runner: Runner) -> Path:
    """A tree as redis's driver expects it, with Debian's programs in the place of those that a build leaves there."""
    original = source("redis-server", runner.prepared)
    tree = runner.work / "redis"
    (tree / "src").mkdir(parents=True)
    for folder in ("tests", "utils"):
        shutil.copytree(original / folder, tree / folder, symlinks=True)
    for file in ("runtest", "redis.conf", "sentinel.conf"):
        shutil.copy(original / file, tree / file)
    for program in PROGRAMS:
        (tree / "src" / program).symlink_to(f"/usr/bin/{program}")
    return tree


def run_unit(runner: Runner, tree: Path, unit: str) -> Outcomes:
    """Runs one unit. With `--durable`, a test that throws does not end the unit."""
    driver = ["./runtest", "--single", unit, "--clients", "1", "--verbose", "--durable", "--timeout", str(NO_PROGRESS)]
    broken = {}
    try:
        done = runner.run(driver, cwd=tree, timeout=UNIT_DEADLINE, merge=True)
        text = done.stdout
    except subprocess.TimeoutExpired as over:
        text = over.stdout
        broken = {f"{unit}: the whole unit": "timeout"}
    outcomes = parse(unit, text.decode(errors="replace"))
    if not outcomes:
        broken = {f"{unit}: the whole unit": "error"}
    return outcomes | broken


def parse(unit: str, text: str) -> Outcomes:
    """The outcome of each test of a unit. Names repeat, and are numbered where they do."""
    outcomes: Outcomes = {}
    seen: Counter[str] = Counter()
    for line in text.splitlines():
        if line.startswith("***"):
            # The driver says at its end once more which tests failed.
            break
        if not (found := LINE.search(line)):
            continue
        word, name = found.groups()
        if word not in OUTCOMES:
            # The driver itself came to an end; what it says differs from time to time.
            outcomes[f"{unit}: the whole unit"] = "timeout" if word == "TIMEOUT" else "error"
            continue
        name = test_name(word, name, unit)
        seen[name] += 1
        occurrence = f" #{seen[name]}" if seen[name] > 1 else ""
        outcomes[f"{unit}: {name}{occurrence}"] = OUTCOMES[word]
    return outcomes


def test_name(word: str, name: str, unit: str) -> str:
    """The name without what the driver adds to it: the time, the file, the reason for a test that was ignored."""
    if word == "ok":
        name = re.sub(r" \(\d+ ms\)$", "", name)
    elif word == "err":
        name = re.sub(rf" in tests/{re.escape(unit)}\.tcl.*$", "", name)
    elif word == "ignore":
        name = re.sub(r": [^:]*$", "", name)
    return name


SUITE = Suite(
    name="redis_tcl",
    run=run,
    packages=("dpkg-dev", "procps", "redis-server", "redis-tools", "tcl"),
    prepare=prepare,
    version=version,
    short=True,
    left_out={},
    deadline=4 * UNIT_DEADLINE,
)
