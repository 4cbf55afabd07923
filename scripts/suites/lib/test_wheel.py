"""Tests of the recorder of outcomes, with unittest, under which it runs first; pytest and trial only call it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from .suite import Outcomes
from .wheel import RECORDER, WHOLE, Run, read_record

# A module with a test of every outcome.
MODULE = """
import os, unittest

class Tests(unittest.TestCase):
    def test_error(self): raise KeyError
    def test_fail(self): self.fail()
    def test_pass(self): pass
    def test_skip(self): self.skipTest("")
    @unittest.expectedFailure
    def test_xfail(self): self.fail()
    @unittest.expectedFailure
    def test_xpass(self): pass
    def test_subtests(self):
        with self.subTest(1): pass
        with self.subTest(2): self.fail()
    def test_teardown(self): self.addCleanup(lambda: 1 / 0)

class Unprepared(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise KeyError
    def test_never(self): pass

class Zlast(unittest.TestCase):
    def test_dies(self):
        if os.fork() == 0: return
        os.wait()
        os._exit(3)
    def test_only_in_the_child(self): pass

if __name__ == "__main__":
    unittest.main()
"""


def record(module: str) -> tuple[Outcomes, int]:
    """Runs a module's tests under the recorder; names are without those of the class and of the module."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "module.py").write_text(module)
        environment = os.environ | {
            "PYTHONPATH": f"{directory}{os.pathsep}{RECORDER}",
            "SUITES_OUTCOMES": f"{directory}/recorded",
        }
        command = [sys.executable, "-m", "suites_outcomes", "module"]
        status = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL).returncode
        return read_record(Path(directory) / "recorded"), status


class RecorderTest(unittest.TestCase):
    def test_outcomes(self) -> None:
        outcomes, status = record(MODULE)
        self.assertEqual(
            outcomes,
            {
                "__main__.Tests.test_error": "error",
                "__main__.Tests.test_fail": "fail",
                "__main__.Tests.test_pass": "pass",
                "__main__.Tests.test_skip": "skip",
                "__main__.Tests.test_xfail": "xfail",
                "__main__.Tests.test_xpass": "fail",
                "__main__.Tests.test_subtests": "fail",
                "__main__.Tests.test_teardown": "error",
                "setUpClass (__main__.Unprepared)": "error",
                # It took the process along; what its child went on with does not count.
                "__main__.Zlast.test_dies": "error",
            },
        )
        self.assertEqual(status, 3)

    def test_a_test_about_which_nothing_is_said_is_none(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write('{"test": "a", "outcome": "error"}\n{"test": "a", "outcome": null, "seconds": 0}\n')
            file.flush()
            self.assertEqual(read_record(Path(file.name)), {})


class RunTest(unittest.TestCase):
    def test_tests_that_fail_do_not_fail_the_process_too(self) -> None:
        for status, outcome in {0: "pass", 1: "pass", 4: "error", -11: "error", None: "timeout"}.items():
            self.assertEqual(Run({"a": "fail"}, status, "").whole()[WHOLE], outcome, status)

    def test_no_test_is_an_error(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "no test ran: status 1\nthe end"):
            Run({}, 1, "the end").whole()


if __name__ == "__main__":
    unittest.main()
