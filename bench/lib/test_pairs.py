"""The statistics of the reports. The integration test `instructions` runs them: python3 -m unittest bench.lib.test_pairs"""

import random
import statistics
import unittest

from bench.lib.goals import MET, NOT_MET, OPEN, at_least, at_most
from bench.lib.pairs import Pairs, Summary, in_pairs
from bench.lib.variants import BARE, Variant


class Statistics(unittest.TestCase):
    def test_the_interval_holds_the_median_as_often_as_it_says(self):
        dice = random.Random(1)
        for count in (6, 12, 25):
            samples = [[dice.expovariate(1) for _ in range(count)] for _ in range(2000)]
            summaries = [Summary(sample) for sample in samples]
            held = statistics.mean(s.low <= 0.6931 <= s.high for s in summaries)
            self.assertGreater(held, 0.94, count)
            # An interval that holds it always would say nothing.
            self.assertLess(held, 0.995, count)

    def test_few_values_give_all_that_was_seen(self):
        summary = Summary([3, 1, 2])
        self.assertEqual((summary.low, summary.median, summary.high), (1, 2, 3))
        self.assertEqual(Summary([5]).median, 5)

    def test_a_goal_is_met_by_the_whole_interval(self):
        summary = Summary([1, 2, 3])
        self.assertEqual([at_most(summary, goal) for goal in (3, 2, 0)], [MET, OPEN, NOT_MET])
        self.assertEqual(at_most(summary, 0, noise=Summary([0, 1])), OPEN)
        self.assertEqual(at_most(summary, 0, noise=Summary([0, 0.5])), NOT_MET)
        self.assertEqual([at_least(summary, goal) for goal in (1, 2, 4)], [MET, OPEN, NOT_MET])


class Rounds(unittest.TestCase):
    def test_drift_cancels_within_pairs(self):
        clock = iter(range(1, 10_000))

        def run(variant):
            return {"ns": next(clock) + 1000 * (2 if variant.name == "double" else 1)}

        variants = [Variant("control", ""), Variant("double", "")]
        pairs = Pairs(in_pairs(20, variants, BARE, run).data)
        self.assertAlmostEqual(Summary(pairs.ratios("ns", "control")).median, 1, delta=0.01)
        self.assertAlmostEqual(Summary(pairs.ratios("ns", "double")).median, 2, delta=0.1)

    def test_a_peer_that_cannot_is_tried_once(self):
        tried = []

        def run(variant):
            tried.append(variant.name)
            return None if variant.name == "broken" else {"ns": 1}

        pairs = in_pairs(
            3, [Variant("broken", "", peer=True), Variant("fine", "", peer=True)], BARE, run, share_bare=True
        )
        self.assertEqual(tried.count("broken"), 1)
        self.assertEqual(len(pairs.ratios("ns", "fine")), 3)
        self.assertEqual(pairs.ratios("ns", "broken"), [])


if __name__ == "__main__":
    unittest.main()
