"""A whole session: runs the suites in their variants, compares, and reports."""

from __future__ import annotations

import argparse
from collections import Counter

from .suite import Suite
from .unit import Place, Result, run_unit


class Session:
    """One invocation of the script."""

    def __init__(self, options: argparse.Namespace, suites: list[Suite], place: Place) -> None:
        self.options = options
        self.suites = suites
        self.place = place

    def run(self) -> int:
        """Runs everything; the status for the shell."""
        failed = False
        for suite in self.suites:
            prepared = self.place.prepared(suite)
            prepared.mkdir(parents=True, exist_ok=True)
            suite.prepare(prepared)
            results: dict[str, Result] = {}
            for variant in self.options.variants:
                result = results[variant] = run_unit(suite, variant, self.options.short, self.place)
                counts = Counter(result.outcomes.values())
                print(f"{suite.name} {variant}: {result.seconds:.1f} s, {dict(counts)}", flush=True)
                if result.error:
                    print(result.error)
                    failed = True
            first = results[self.options.variants[0]]
            for variant, result in results.items():
                for test in sorted(first.outcomes.keys() | result.outcomes.keys()):
                    one, other = first.outcomes.get(test), result.outcomes.get(test)
                    if one != other:
                        print(f"  {test}: {one}, {variant} {other}")
                        failed = True
        return failed
