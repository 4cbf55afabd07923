"""Tests of what reads and judges outcomes."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from .outcomes import judge, junit, rust

REPORT = """<testsuites><testsuite>
<testcase classname="a.B" name="one"/>
<testcase classname="a.B" name="two"><failure/></testcase>
<testcase classname="a.B" name="two"/>
<testcase name="test.three"><skipped/></testcase>
<testcase name="test.four"><error/></testcase>
</testsuite></testsuites>"""

RUST = """
running 3 tests
test one ... ok
test a::two ... FAILED
test three ... ignored

test result: FAILED.
"""


class Read(unittest.TestCase):
    def test_junit(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(REPORT)
            file.flush()
            self.assertEqual(
                junit(Path(file.name)), {"a.B.one": "pass", "a.B.two": "fail", "test.three": "skip", "test.four": "fail"}
            )

    def test_rust(self) -> None:
        self.assertEqual(rust(RUST), {"one": "pass", "a::two": "fail", "three": "skip"})

    def test_rust_that_dies(self) -> None:
        self.assertEqual(rust("running 2 tests\ntest one ... ok\n")["(the whole run)"], "only 1 of 2 tests ended")


class Judge(unittest.TestCase):
    def test_good(self) -> None:
        self.assertEqual(judge({"one": "pass", "two": "fail"}, {"two": "why"}, may_skip=False), [])
        self.assertEqual(judge({"one": "pass", "two": "skip"}, {}, may_skip=True), [])

    def test_bad(self) -> None:
        self.assertEqual(judge({}, {}, may_skip=True), ["no test ran"])
        self.assertEqual(judge({"one": "skip"}, {}, may_skip=False), ["one: skip"])
        self.assertEqual(judge({"one": "fail"}, {}, may_skip=True), ["one: fail"])
        self.assertEqual(len(judge({"one": "pass"}, {"one": "why"}, may_skip=True)), 1)
        self.assertEqual(len(judge({"one": "pass"}, {"two": "why"}, may_skip=True)), 1)


if __name__ == "__main__":
    unittest.main()
