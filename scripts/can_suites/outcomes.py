"""How tests ended, read from what their runners write."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# By the name of the test: "pass", "fail" or "skip".
Outcomes = dict[str, str]

# How a test ended that has an element of this name in the report.
ENDS = {"failure": "fail", "error": "fail", "skipped": "skip"}


def junit(report: Path) -> Outcomes:
    """A report in JUnit's format, as pytest and regrtest write it; without one, nothing has run."""
    outcomes: Outcomes = {}
    if not report.exists():
        return outcomes
    for case in ElementTree.parse(report).iter("testcase"):
        ends = [ENDS[child.tag] for child in case if child.tag in ENDS]
        # regrtest has no class, but the whole name.
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        # The tear-down of a test is a second case of the same name.
        if outcomes.get(name) != "fail":
            outcomes[name] = ends[0] if ends else "pass"
    return outcomes


def rust(output: str) -> Outcomes:
    """What the harness of Rust's tests prints."""
    ends = {"ok": "pass", "FAILED": "fail", "ignored": "skip"}
    outcomes = {name: ends[end] for name, end in re.findall(r"^test (\S+) \.\.\. (ok|FAILED|ignored)", output, re.MULTILINE)}
    announced = sum(int(count) for count in re.findall(r"^running (\d+) tests?$", output, re.MULTILINE))
    if announced != len(outcomes):
        outcomes["(the whole run)"] = f"only {len(outcomes)} of {announced} tests ended"
    return outcomes


def judge(outcomes: Outcomes, expected: dict[str, str], may_skip: bool) -> list[str]:
    """What is wrong with the outcomes. `expected` has the tests that fail, each with a reason; one that passes all the
    same is wrong too, so that the list stays true."""
    wrong = [] if outcomes else ["no test ran"]
    for name, outcome in sorted(outcomes.items()):
        if name in expected:
            if outcome != "fail":
                wrong.append(f"{name}: {outcome}, but is expected to fail: {expected[name]}")
        elif outcome != "pass" and not (outcome == "skip" and may_skip):
            wrong.append(f"{name}: {outcome}")
    return wrong + [f"{name}: has not run" for name in sorted(expected.keys() - outcomes.keys())]
