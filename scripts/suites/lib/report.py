"""The part of docs/compatibility.md that the script writes."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from .compare import Difference, counted, passed, without_left_out
from .session import Outcome
from .suite import Suite
from .variant import IO, NATIVE, OFF

BEGIN, END = "<!-- suites: begin -->", "<!-- suites: end -->"

RESULTS = (
    "Suite", "Version", "Tests", "Passed natively", "Logging off", "Level `io`", "Differences", "Events", "Invalid",
    "Wrong predictions", "Lost",
)
FLAKY_MEANING = (
    "These tests changed their outcome while nothing else changed, natively too; they were repeated, and are no"
    " differences:"
)
FLAKY = ("Suite", "Test", "Natively", "Under the shim")
LEFT_OUT = ("Suite", "Test", "Why")

Rows = dict[str, list[str]]


def write(document: Path, catalogue: list[Suite], outcomes: list[Outcome]) -> None:
    """Rewrites the part between the markers. Rows of suites that were not run now are kept."""
    text = document.read_text()
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    names = [suite.name for suite in catalogue]
    ran = {outcome.suite.name for outcome in outcomes}

    results = _kept(old, RESULTS, names, ran)
    flaky = _kept(old, FLAKY, names, ran)
    for outcome in outcomes:
        results[outcome.suite.name] = [_row(_cells(outcome))]
        flaky[outcome.suite.name] = [_row(_flaky_cells(difference)) for difference in outcome.flaky()]
    left_out = {
        suite.name: [_row((suite.name, f"`{test}`", why)) for test, why in suite.left_out.items()]
        for suite in catalogue
    }

    parts = [_where(), _table(RESULTS, results, names)]
    if any(flaky.values()):
        parts += [FLAKY_MEANING, _table(FLAKY, flaky, names)]
    if any(left_out.values()):
        parts += ["Left out by name:", _table(LEFT_OUT, left_out, names)]
    document.write_text(f"{before}{BEGIN}\n" + "\n\n".join(parts) + f"\n{END}{after}")


def _where() -> str:
    """The machine of the measurement."""
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "an unknown system")
    date = time.strftime("%Y-%m-%d", time.gmtime())
    libc = " ".join(platform.libc_ver())
    kernel = f"Linux {platform.release()}"
    return f"Made by `scripts/suites.sh` on {date}: {release}, {kernel}, {libc}, {os.cpu_count()} cores."


def _cells(outcome: Outcome) -> tuple[str, ...]:
    """One suite's row."""

    def of(variant: str) -> str:
        result = outcome.results.get(variant)
        return f"{passed(without_left_out(outcome.suite, result.outcomes)):,}" if result else ""

    native = outcome.results.get(NATIVE)
    tests = len(without_left_out(outcome.suite, native.outcomes)) if native else 0
    events = outcome.events
    return (
        outcome.suite.name,
        outcome.version,
        f"{tests:,}",
        of(NATIVE),
        of(OFF),
        of(IO),
        f"{len(outcome.different()):,}" if not outcome.errors else "did not run",
        *(f"{n:,}" for n in (events.lines, events.invalid, events.divergences, events.lost)),
    )


def _flaky_cells(difference: Difference) -> tuple[str, ...]:
    shim = f"{counted(difference.shim)} ({difference.variant})"
    return difference.suite, f"`{difference.test}`", counted(difference.native), shim


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(head: tuple[str, ...], rows: Rows, names: list[str]) -> str:
    lines = [row for name in names for row in rows.get(name, [])]
    return "\n".join([_row(head), "|" + "---|" * len(head), *lines])


def _kept(old: str, head: tuple[str, ...], names: list[str], ran: set[str]) -> Rows:
    """The rows of a table in the old text, by suite, without those of suites that ran now or no longer exist."""
    _, _, rest = old.partition(_row(head) + "\n")
    rows: Rows = {}
    for line in rest.splitlines()[1:]:
        if not line.startswith("| "):
            break
        name = line.split("|")[1].strip()
        if name in names and name not in ran:
            rows.setdefault(name, []).append(line)
    return rows
