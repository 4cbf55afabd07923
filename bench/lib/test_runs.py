"""How results grow. The integration test `instructions` runs these: python3 -m unittest bench.lib.test_runs"""

import tempfile
import unittest
from pathlib import Path

from bench.lib import runs

MACHINE = {"CPU": "one", "kernel": "1.2"}


def begin(output, variants=("off",), reasons=None, quick=False, machine=None, date="2001-02-03"):
    """A run with what `scripts/bench.sh` finds."""
    found = {
        "packages": {"strace": "1"},
        "variants": dict.fromkeys(variants, "what"),
        "reasons": reasons or {},
    }
    return runs.begin(Path(output), date, quick, machine or MACHINE, **found)


class Runs(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.output = Path(directory.name) / "results"

    def measured(self, part, result, **given):
        """One run of one part."""
        run = begin(self.output, **given)
        runs.add(run, part, result, commit=f"of {part}", rounds=12, load=[[0, 0, 0], [1, 1, 1]])
        runs.store(run, self.output)
        return runs.load(runs.path(self.output, run["date"]))

    def test_parts_of_later_runs_are_added(self):
        self.measured("startup", {"value": 1})
        run = self.measured("programs", {"value": 2})
        self.assertEqual(run["results"], {"startup": {"value": 1}, "programs": {"value": 2}})
        self.assertEqual(
            {part: about["commit"] for part, about in run["parts"].items()},
            {"startup": "of startup", "programs": "of programs"},
        )

    def test_a_part_that_is_measured_again_replaces_itself_only(self):
        self.measured("startup", {"value": 1})
        self.measured("programs", {"value": 2})
        run = self.measured("startup", {"value": 3})
        self.assertEqual(run["results"], {"startup": {"value": 3}, "programs": {"value": 2}})

    def test_what_was_missing_and_is_there_now_is_not_called_missing(self):
        run = self.measured("time", {}, reasons={"ltrace": "not installed", "torsocks": "not installed"})
        self.assertEqual(set(run["reasons"]), {"ltrace", "torsocks"})
        run = self.measured("scale", {}, variants=("off", "ltrace"))
        self.assertEqual((set(run["reasons"]), set(run["variants"])), ({"torsocks"}, {"off", "ltrace"}))

    def test_another_day_another_file(self):
        self.measured("startup", {"value": 1})
        run = self.measured("startup", {"value": 2}, date="2001-02-04")
        self.assertEqual(run["results"], {"startup": {"value": 2}})
        self.assertEqual(len(list(self.output.iterdir())), 2)

    def test_what_cannot_be_compared_is_not_mixed(self):
        self.measured("startup", {"value": 1})
        for other in ({"quick": True}, {"machine": MACHINE | {"kernel": "1.3"}}):
            with self.assertRaises(SystemExit):
                begin(self.output, **other)

    def test_runs_from_before_parts_can_be_continued(self):
        old = {
            "date": "2001-02-03",
            "quick": False,
            "rounds": 10,
            "commit": "abc",
            "machine": MACHINE,
            "packages": {},
            "variants": {},
            "reasons": {},
            "load": [[1, 1, 1], [2, 2, 2]],
            "results": {"startup": {"value": 1}},
        }
        runs.store(old, self.output)
        run = self.measured("programs", {"value": 2})
        self.assertEqual(
            run["parts"]["startup"], {"commit": "abc", "rounds": 10, "load": [[1, 1, 1], [2, 2, 2]]}
        )
        self.assertNotIn("commit", run)


if __name__ == "__main__":
    unittest.main()
