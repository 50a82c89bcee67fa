"""The interval of a median."""

import unittest

from plots.order_statistics import median_interval


class MedianInterval(unittest.TestCase):
    def test_few_values_give_the_widest_interval_and_say_how_sure_it_is(self):
        for n, confidence in ((1, 0), (2, 0.5), (3, 0.75), (5, 0.9375), (6, 0.96875), (8, 0.9921875)):
            interval = median_interval([float(number) for number in range(n)])
            self.assertEqual((interval.low, interval.high, interval.confidence), (0, n - 1, confidence), n)

    def test_more_values_leave_out_the_ends(self):
        """The ranks are those of published tables, as common/harness/comparing/order_statistics_test.cpp has them."""
        for n, low, high in (
            (9, 2, 8),
            (11, 2, 10),
            (12, 3, 10),
            (16, 4, 13),
            (20, 6, 15),
            (25, 8, 18),
            (50, 18, 33),
        ):
            interval = median_interval([float(rank) for rank in range(n, 0, -1)])
            self.assertEqual((interval.low, interval.high, interval.n), (low, high, n))
            self.assertEqual(interval.median, (n + 1) / 2)
            self.assertGreaterEqual(interval.confidence, 0.95)


if __name__ == "__main__":
    unittest.main()
