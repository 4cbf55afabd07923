"""Tests of what decides and reports, without running anything: `python3 -m unittest suites.lib.test_framework`."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from .compare import Difference, differing, passed, without_left_out
from .events import Events
from .report import BEGIN, END, write
from .session import Outcome
from .suite import Outcomes, Suite
from .unit import Result


def suite(name: str, **more) -> Suite:
    return Suite(name, lambda runner, short: {}, **more)


def outcome_of(name: str, native: Outcomes, differences: list[Difference], **more) -> Outcome:
    results = {variant: Result(native) for variant in ("native", "off", "io")}
    return Outcome(suite(name, **more), "1.0", results, differences, Events(lines=1234))


class Compare(unittest.TestCase):
    def test_a_changed_missing_or_extra_test_differs(self) -> None:
        native = {"same": "pass", "changed": "pass", "gone": "skip"}
        self.assertEqual(differing(native, native), [])
        shim = {"same": "pass", "changed": "fail", "new": "pass"}
        self.assertEqual(differing(native, shim), ["changed", "gone", "new"])

    def test_only_a_test_that_changes_natively_is_flaky(self) -> None:
        cases = (
            (["pass", "fail"], ["fail", "pass"], True),
            (["pass", "fail"], ["fail", "fail"], True),
            # It changes only under the shim.
            (["pass", "pass"], ["fail", "pass"], False),
            # It differs every time.
            (["pass", "pass"], ["fail", "fail"], False),
            # It is flaky natively, but never in this way.
            (["pass", "skip"], ["fail", "pass"], False),
        )
        for native, shim, flaky in cases:
            self.assertEqual(Difference("s", "t", "io", native, shim).is_flaky(), flaky, (native, shim))

    def test_what_is_left_out_by_name_or_pattern_is_not_compared(self) -> None:
        one = suite("s", left_out={"a.b[c]": "why", "d.*": "why"})
        found = without_left_out(one, {"a.b[c]": "fail", "d.e": "fail", "a.bc": "pass"})
        self.assertEqual(found, {"a.bc": "pass"})

    def test_an_answer_is_a_pass(self) -> None:
        self.assertEqual(passed({"a": "pass", "b": "6f5902ac", "c": "skip", "d": "fail", "e": "timeout"}), 2)


class Events_(unittest.TestCase):
    def test_an_empty_log_an_invalid_line_a_panic_and_a_wrong_prediction_are_problems(self) -> None:
        self.assertTrue(Events().problems())
        self.assertTrue(Events(lines=2, invalid=1, shown=["x"]).problems())
        self.assertTrue(Events(lines=2, panics=1, shown=["x"]).problems())
        wrong = {"count": 1, "first": "x"}
        self.assertTrue(Events(lines=2, divergences=1, divergence_kinds=[wrong]).problems())
        self.assertFalse(Events(lines=2, lost=1, cut=1, messages={"m": 1}).problems())


class Report(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.document = Path(directory.name) / "compatibility.md"
        self.document.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
        self.catalogue = [suite("one", left_out={"x|y": "it is flaky"}), suite("two"), suite("three")]

    def write(self, *outcomes: Outcome) -> list[str]:
        write(self.document, self.catalogue, list(outcomes))
        return self.document.read_text().splitlines()

    def test_a_row_says_what_came_of_a_suite(self) -> None:
        real = Difference("one", "t", "io", ["pass"], ["fail"])
        flaky = Difference("one", "u", "io", ["pass", "fail"], ["fail", "pass"])
        lines = self.write(outcome_of("one", {"t": "pass", "u": "skip"}, [real, flaky]))
        self.assertEqual((lines[0], lines[-1]), ("before", "after"))
        self.assertIn("| one | 1.0 | 2 | 1 | 1 | 1 | 1 | 1,234 | 0 | 0 | 0 |", lines)
        self.assertIn("| one | `u` | 1 × pass, 1 × fail | 1 × fail, 1 × pass (io) |", lines)
        self.assertIn("| one | `x\\|y` | it is flaky |", lines)
        self.assertNotIn("`t`", "\n".join(lines))

    def test_rows_of_suites_that_did_not_run_stay(self) -> None:
        flaky = Difference("two", "u", "io", ["pass", "fail"], ["fail", "pass"])
        self.write(outcome_of("three", {"t": "pass"}, []), outcome_of("two", {"u": "pass"}, [flaky]))
        lines = self.write(outcome_of("one", {"t": "pass"}, []), outcome_of("three", {}, []))
        rows = [line.split("|")[1:4] for line in lines if line.startswith("| ")]
        names = [[cell.strip() for cell in row] for row in rows]
        results = [name for name in names if name[1] == "1.0"]
        self.assertEqual(results, [["one", "1.0", "1"], ["two", "1.0", "1"], ["three", "1.0", "0"]])
        self.assertIn(["two", "`u`", "1 × pass, 1 × fail"], names)

    def test_a_suite_that_could_not_run_has_no_zero(self) -> None:
        broken = outcome_of("one", {}, [])
        broken.errors.append("it crashed")
        self.assertTrue(broken.failed())
        self.assertIn("| did not run |", "\n".join(self.write(broken)))


if __name__ == "__main__":
    unittest.main()
