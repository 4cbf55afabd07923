"""A whole session: runs the suites in their variants, compares, repeats what differs, and reports the results."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import traceback
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from .compare import MISSING, Difference, differing, without_left_out
from .events import Events, validate
from .suite import Suite
from .unit import Place, Result, run_unit
from .variant import IO, NATIVE, PIECES

# How many repetitions run at once. They are load for each other, which exposes tests that depend on time.
REPETITIONS_AT_ONCE = 4


@dataclass
class Outcome:
    """The result of one suite."""

    suite: Suite
    version: str = ""
    results: dict[str, Result] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    events: Events = Events()
    # Why the suite could not be run, or its logs are invalid.
    errors: list[str] = field(default_factory=list)

    def different(self) -> list[Difference]:
        """The differences that the shim causes."""
        return [difference for difference in self.differences if not difference.is_flaky()]

    def flaky(self) -> list[Difference]:
        """The tests that change their outcome natively too."""
        return [difference for difference in self.differences if difference.is_flaky()]

    def failed(self) -> bool:
        """Whether the script must fail."""
        return bool(self.errors or self.different())


class Session:
    """One invocation of the script."""

    def __init__(self, options: argparse.Namespace, suites: list[Suite], place: Place) -> None:
        self.options = options
        self.suites = suites
        self.place = place

    def run(self) -> list[Outcome]:
        """Runs everything."""
        with ThreadPoolExecutor(self.options.jobs) as pool:
            try:
                started = [self._start(pool, suite) for suite in self.suites]
                return [self._finish(*one) for one in started]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _start(self, pool: ThreadPoolExecutor, suite: Suite) -> tuple[Suite, Future[str], dict[str, Future]]:
        # The pool takes tasks in order, so a run that waits for its preparation waits for a task that is running.
        prepared = pool.submit(self._prepare, suite)
        runs = {variant: pool.submit(self._run, suite, variant, prepared) for variant in self.options.variants}
        return suite, prepared, runs

    def _prepare(self, suite: Suite) -> str:
        directory = self.place.prepared(suite)
        directory.mkdir(parents=True, exist_ok=True)
        suite.prepare(directory)
        return suite.version(directory) if suite.version else _debian_version(suite)

    def _run(self, suite: Suite, variant: str, prepared: Future[str]) -> tuple[Result, Events]:
        if prepared.exception():
            return Result(error="it was not prepared"), Events()
        result = run_unit(suite, variant, self.options.short, self.place)
        events = Events()
        if variant == IO:
            logs = result.directory / "logs"
            events = validate(self.place.target, logs)
            if not self.options.keep:
                shutil.rmtree(logs)
        # Of an answer, its first word.
        ends = Counter((outcome.split() or [""])[0] for outcome in result.outcomes.values())
        counts = ", ".join(f"{count} {end}" for end, count in ends.most_common(6))
        seen = f"; {events.lines} events" if variant == IO else ""
        print(f"    {suite.name} {variant}: {result.seconds:.1f} s: {counts or 'nothing'}{seen}", flush=True)
        return result, events

    def _finish(self, suite: Suite, prepared: Future[str], runs: dict[str, Future]) -> Outcome:
        outcome = Outcome(suite)
        if error := prepared.exception():
            outcome.errors.append("".join(traceback.format_exception(error)))
            return self._say(outcome)
        outcome.version = prepared.result()
        for variant, future in runs.items():
            result, events = future.result()
            outcome.results[variant] = result
            if result.error:
                outcome.errors.append(f"{variant}: {result.error}")
            elif not result.outcomes:
                outcome.errors.append(f"{variant}: it ran no test")
            if variant == IO:
                outcome.events = events
                outcome.errors += events.problems()
        if NATIVE in outcome.results:
            self._compare(outcome)
        return self._say(outcome)

    def _compare(self, outcome: Outcome) -> None:
        """Finds the differences, and repeats the tests that differ."""
        suite = outcome.suite
        compared = {v: without_left_out(suite, result.outcomes) for v, result in outcome.results.items()}
        found = {v: differing(compared[NATIVE], compared[v]) for v in compared if v != NATIVE}
        if PIECES in found:
            # What would take too long there has not run.
            found[PIECES] = [test for test in found[PIECES] if test in compared[PIECES]]
        tests = {test for names in found.values() for test in names}
        if not tests:
            return
        variants = [NATIVE, *(variant for variant, names in found.items() if names)]
        first = ", ".join(sorted(tests)[:5])
        print(f"    {suite.name}: repeating {len(tests)} tests {self.options.repeat} times: {first}", flush=True)
        with ThreadPoolExecutor(REPETITIONS_AT_ONCE) as pool:
            repeated = {
                variant: [
                    pool.submit(run_unit, suite, variant, self.options.short, self.place, tests, f"-{number}")
                    for number in range(self.options.repeat)
                ]
                for variant in variants
            }

        def all_of(variant: str, test: str) -> list[str]:
            again = [future.result().outcomes for future in repeated[variant]]
            return [outcomes.get(test, MISSING) for outcomes in (compared[variant], *again)]

        outcome.differences = [
            Difference(suite.name, test, variant, all_of(NATIVE, test), all_of(variant, test))
            for variant, names in found.items()
            for test in names
        ]

    def _say(self, outcome: Outcome) -> Outcome:
        """Prints the results of a suite as soon as they are known."""
        name = outcome.suite.name
        for error in outcome.errors:
            print(f"{name}: ERROR: {error}")
        for difference in outcome.different():
            print(f"{name}: DIFFERENT: {difference}")
        for difference in outcome.flaky():
            print(f"{name}: flaky natively: {difference}")
        for note in outcome.events.notes():
            print(f"{name}: {note}")
        verdict = "FAILED" if outcome.failed() else "no difference"
        print(f"==> {name} {outcome.version}: {verdict}", flush=True)
        return outcome


def _debian_version(suite: Suite) -> str:
    """The version of the first package, without Debian's revision."""
    if not suite.packages:
        return ""
    show = ["dpkg-query", "--show", "--showformat=${Version}", suite.packages[0]]
    version = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    return re.split("[-+]", version.rpartition(":")[2])[0]
