"""Runs them, as who it is started as: `python3 -m can_suites PREPARED [--native] [--measure] [--only NAME…]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from .bus import Bus
from .measure import MEASUREMENTS
from .outcomes import judge
from .pairs import PAIRS
from .suites import suites

# python-can wants to find three.
INTERFACES = "vcan0,vxcan0,slcan0"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--native", action="store_true")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    return parser.parse_args()


def main() -> int:
    options = arguments()
    library = None if options.native else options.prepared / "lib/libsockshim.so"
    if options.measure:
        failed = run_measurements(options, library)
    else:
        failed = run_suites(options, library) + run_pairs(options, library)
    print(f"\n{failed or 'nothing'} failed")
    return 1 if failed else 0


def chosen(options: argparse.Namespace, name: str) -> bool:
    return not options.only or any(part.lower() in name.lower() for part in options.only)


def run_suites(options: argparse.Namespace, library: Path | None) -> int:
    """The suites, one after another, each on a bus of its own. Returns how many have failed."""
    failed = 0
    for suite in suites(options.prepared):
        if not chosen(options, suite.name):
            continue
        begin = time.monotonic()
        with Bus(library, INTERFACES) as bus:
            outcomes = suite.run(bus, options.prepared)
            said = (bus.directory / "said").read_text(errors="replace") if (bus.directory / "said").exists() else ""
        expected = suite.fail if options.native else suite.fail | suite.fail_here
        wrong = judge(outcomes, expected, suite.may_skip)
        counts = ", ".join(f"{count} {end}" for end, count in Counter(outcomes.values()).most_common())
        print(f"{'FAILED' if wrong else 'passed'}   {suite.name}: {counts} ({time.monotonic() - begin:.0f} s)", flush=True)
        for line in wrong:
            print(f"         {line}")
        if wrong:
            print(said[-3000:])
        failed += bool(wrong)
    return failed


def run_pairs(options: argparse.Namespace, library: Path | None) -> int:
    """can-utils, likewise."""
    failed = 0
    for programs, function in PAIRS.items():
        if not chosen(options, programs):
            continue
        begin = time.monotonic()
        why, _ = tried(function, library)
        print(f"{'FAILED' if why else 'passed'}   {programs} ({time.monotonic() - begin:.1f} s)", flush=True)
        if why:
            print(f"         {why}")
        failed += why is not None
    return failed


def run_measurements(options: argparse.Namespace, library: Path | None) -> int:
    """What is measured, and whether it is within its limits."""
    failed = 0
    for name, function in MEASUREMENTS.items():
        if not chosen(options, name):
            continue
        why, said = tried(function, library)
        print(f"{'FAILED' if why else 'passed'}   {name}: {why or said}", flush=True)
        failed += why is not None
    return failed


def tried(function: Callable[[Bus], str | None], library: Path | None) -> tuple[str | None, str | None]:
    """Why the function has failed on a bus of its own, if it has, and what it returns."""
    with Bus(library) as bus:
        try:
            return None, function(bus)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            return f"{type(error).__name__}: {error}", None


if __name__ == "__main__":
    sys.exit(main())
