"""Measurements in pairs: each value of a variant beside a value of bare, measured just before or after it.

The machine's speed drifts by more than the differences to be found, but little between two consecutive runs. So the
statistics are about ratios within pairs. The ratio of bare to itself, measured in the same way, shows which differences
are too small to be seen.
"""

import statistics
from math import comb


class Pairs:
    """metric → variant → pairs (value, value of bare)."""

    def __init__(self, data=None):
        self.data = data or {}

    def add(self, metric, variant, value, bare):
        """One pair."""
        self.data.setdefault(metric, {}).setdefault(variant, []).append((value, bare))

    def metrics(self):
        """In the order in which they were first measured."""
        return list(self.data)

    def ratios(self, metric, variant):
        """Variant over bare."""
        return [value / bare for value, bare in self.data.get(metric, {}).get(variant, []) if bare]

    def differences(self, metric, variant):
        """Variant minus bare."""
        return [value - bare for value, bare in self.data.get(metric, {}).get(variant, [])]

    def values(self, metric, variant):
        """The variant's own values."""
        return [value for value, _ in self.data.get(metric, {}).get(variant, [])]

    def bare(self, metric):
        """All values of bare."""
        return [bare for pairs in self.data.get(metric, {}).values() for _, bare in pairs]


class Summary:
    """The median, the quartiles, and an interval that holds the true median with 95 % confidence."""

    def __init__(self, values):
        self.count = len(values)
        ordered = sorted(values)
        self.median = statistics.median(ordered)
        self.low, self.high = confidence(ordered)
        if self.count > 1:
            self.quarter, _, self.three_quarters = statistics.quantiles(ordered, n=4, method="inclusive")
        else:
            self.quarter = self.three_quarters = self.median


def confidence(ordered):
    """From order statistics, which assume nothing about the distribution. Fewer than six values give no such
    interval; then it is the range of all values."""
    count = len(ordered)
    below, index = 0.0, 0
    while index < count // 2 and below + comb(count, index) / 2**count <= 0.025:
        below += comb(count, index) / 2**count
        index += 1
    index = max(index - 1, 0)
    return ordered[index], ordered[count - 1 - index]


def in_pairs(rounds, variants, bare, run, share_bare=False):
    """Runs every variant beside bare, `rounds` times: `run(variant)` returns {metric: value}, or None when it cannot.

    The order within a pair alternates, so that neither has an advantage. With `share_bare` the peers, whose
    effect is large, share one run of bare in each round. A peer that cannot is not tried again."""
    pairs, given_up = Pairs(), set()
    for number in range(rounds):
        shared = None
        for place, variant in enumerate(variants):
            if variant.name in given_up:
                continue
            if share_bare and variant.peer:
                shared = shared or run(bare)
                first, second = run(variant), shared
            elif (number + place) % 2:
                first, second = run(variant), run(bare)
            else:
                second, first = run(bare), run(variant)
            if first is None or second is None:
                if variant.peer:
                    given_up.add(variant.name)
                continue
            for metric, value in first.items():
                if metric in second:
                    pairs.add(metric, variant.name, value, second[metric])
    return pairs
