"""The interval of a median, from the order of the values alone: what charts and `harness diff` share."""

import math
from statistics import median
from typing import NamedTuple

WANTED_CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A median, between two of the values that it is of; the true median lies there with that probability."""

    low: float
    median: float
    high: float
    n: int
    confidence: float


def median_interval(values: list[float]) -> Interval:
    """The order-statistic interval of the median: the k-th lowest to the k-th highest value, as narrow as 95 % allows.

    Of fewer than six values it is the lowest to the highest, with less. Whatever the distribution, each value lies below
    the true median with probability 1/2, so how many do is binomial (H. A. David, "Order Statistics", section 7.1). As
    common/harness/comparing/order_statistics.h has it.
    """
    ordered, n = sorted(values), len(values)
    outside = 2 / 2**n  # that the true median lies beyond the k-th values
    cut = 1
    while cut < n // 2 and 1 - outside - 2 * math.comb(n, cut) / 2**n >= WANTED_CONFIDENCE:
        outside += 2 * math.comb(n, cut) / 2**n
        cut += 1
    return Interval(ordered[cut - 1], median(ordered), ordered[n - cut], n, max(0.0, 1 - outside))
