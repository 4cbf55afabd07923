"""Writes down how each test ended, from inside of the process that runs the tests.

It is copied into the virtual environments of the suites that come in wheels, and serves three test runners:
- unittest: `python -m suites_outcomes MODULE [ARGUMENT…]` runs the module as `python -m MODULE` would;
- pytest: `-p suites_outcomes`;
- trial: `--reporter=outcomes`, from the plugin in `suites_reporter.py`.

The environment's SUITES_OUTCOMES names a file; one JSON object a line is appended to it, at the start and at the end of
each test, so that the tests of a process that dies are known up to the one that it died in. Output of the tests, which
their own reports are mixed with, is not looked at.
"""

import json
import os
import sys
import time

# What a test is at last, when several things are said about it: the first of these that was said.
SEVERITY = ("error", "fail", "xfail", "skip", "pass")

# The methods of a unittest.TestResult that say how a test ended.
RESULT_METHODS = {
    "addSuccess": "pass",
    "addError": "error",
    "addFailure": "fail",
    "addSkip": "skip",
    "addExpectedFailure": "xfail",
    "addUnexpectedSuccess": "fail",
}


class Record:
    """The file, and the test that is under way."""

    def __init__(self):
        self._file = os.open(os.environ["SUITES_OUTCOMES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        # Tests fork, and some children run through the rest of the tests' machinery.
        self._pid = os.getpid()
        self._test = None
        self._said = []
        # Tests replace the clock.
        self._clock = time.perf_counter
        self._began = 0.0

    def start(self, test):
        self._test, self._said, self._began = test, [], self._clock()
        # This stays the outcome of a test that takes its process along.
        self._write(test=test, outcome="error")

    def say(self, test, outcome):
        """A finding about the test that is under way, or about something that is none: a class's preparation."""
        if test == self._test:
            self._said.append(outcome)
        else:
            self._write(test=test, outcome=outcome)

    def stop(self, test):
        """A test about which nothing was said, such as the abstract base of others, is none."""
        outcome = next((each for each in SEVERITY if each in self._said), None)
        self._write(test=test, outcome=outcome, seconds=round(self._clock() - self._began, 3))
        self._test = None

    def _write(self, **line):
        if os.getpid() == self._pid:
            os.write(self._file, json.dumps(line).encode() + b"\n")


def recording(result_class, record):
    """A class of results like `result_class`, of unittest or trial, that writes down what is said to it."""

    def also(name, outcome):
        inherited = getattr(result_class, name)

        def method(self, test, *rest, **named):
            record.say(test.id(), outcome)
            return inherited(self, test, *rest, **named)

        return method

    class Recording(result_class):
        def startTest(self, test):
            record.start(test.id())
            super().startTest(test)

        def stopTest(self, test):
            super().stopTest(test)
            record.stop(test.id())

        def addSubTest(self, test, subtest, err):
            if err is not None:
                record.say(test.id(), "fail" if issubclass(err[0], test.failureException) else "error")
            super().addSubTest(test, subtest, err)

    for name, outcome in RESULT_METHODS.items():
        setattr(Recording, name, also(name, outcome))
    return Recording


# pytest finds the hooks by their names, and gives most of them nothing to keep the record in.
pytest_record = None


def pytest_configure(config):
    global pytest_record
    pytest_record = Record()


def pytest_runtest_logstart(nodeid, location):
    pytest_record.start(nodeid)


def pytest_runtest_logreport(report):
    if report.failed:
        pytest_record.say(report.nodeid, "fail" if report.when == "call" else "error")
    elif report.skipped:
        pytest_record.say(report.nodeid, "xfail" if hasattr(report, "wasxfail") else "skip")
    elif report.when == "call":
        pytest_record.say(report.nodeid, "pass")


def pytest_runtest_logfinish(nodeid, location):
    pytest_record.stop(nodeid)


def pytest_collectreport(report):
    if not report.passed:
        pytest_record.say(report.nodeid, "skip" if report.skipped else "error")


def main():
    """Runs a module of unittest's tests as the main program, with a result class that records."""
    # Not imported by pytest and trial, for which this is a plugin.
    import runpy
    import unittest

    result_class = recording(unittest.TextTestResult, Record())
    # Not the name in unittest.runner, by which the inherited methods find their own class.
    unittest.TextTestResult = unittest.TextTestRunner.resultclass = result_class
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
