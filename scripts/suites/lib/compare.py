"""Compares outcomes test by test, and tells a difference from a test that is flaky natively."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from .suite import Outcomes, Suite

# The outcome of a test that only the other variant has.
MISSING = "missing"

# Outcomes that are not a pass, alone or followed by a reason. Any other text belongs to a passed test, such as a checksum.
NOT_PASSED = {"fail", "error", "timeout", "skip", "xfail", MISSING}


@dataclass
class Difference:
    """A test whose outcome under the shim is not the native one."""

    suite: str
    test: str
    variant: str
    # Its outcomes: that of the whole run, then those of the repetitions.
    native: list[str]
    shim: list[str]

    def is_flaky(self) -> bool:
        """Whether the test changes its outcome natively, too, and the shim added none of its own."""
        return len(set(self.native)) > 1 and set(self.shim) <= set(self.native)

    def __str__(self) -> str:
        return f"{self.test}: natively {counted(self.native)}; {self.variant} {counted(self.shim)}"


def counted(outcomes: list[str]) -> str:
    """Such as "5 × pass, 1 × fail"."""
    return ", ".join(f"{times} × {outcome}" for outcome, times in Counter(outcomes).most_common())


def is_left_out(suite: Suite, test: str) -> bool:
    """Whether the suite says that a test's outcome is not to be compared. Only the asterisk stands for other text in its
    patterns: brackets are a part of many tests' names."""
    return any(
        re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), test, re.DOTALL)
        for pattern in suite.left_out
    )


def without_left_out(suite: Suite, outcomes: Outcomes) -> Outcomes:
    """What is compared and counted."""
    return {test: outcome for test, outcome in outcomes.items() if not is_left_out(suite, test)}


def differing(native: Outcomes, shim: Outcomes) -> list[str]:
    """The tests whose outcomes differ, by name."""
    tests = native.keys() | shim.keys()
    return sorted(test for test in tests if native.get(test, MISSING) != shim.get(test, MISSING))


def passed(outcomes: Outcomes) -> int:
    """How many tests passed."""
    return sum(outcome.partition(" ")[0] not in NOT_PASSED for outcome in outcomes.values())
