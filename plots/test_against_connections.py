"""What the charts over open connections share."""

import unittest

from plots.against_connections import median_interval


class MedianInterval(unittest.TestCase):
    def test_few_values_give_the_widest_interval_and_say_how_sure_it_is(self):
        for n, confidence in ((2, 0.5), (3, 0.75), (5, 0.9375), (6, 0.96875), (8, 0.9921875)):
            values = [float(number) for number in range(n)]
            self.assertEqual(median_interval(values), (0, n - 1, confidence), n)

    def test_more_values_leave_out_the_ends(self):
        """The ranks are those of published tables."""
        for n, rank in ((9, 2), (11, 2), (12, 3), (20, 6), (50, 18)):
            values = [float(number) for number in range(n, 0, -1)]
            interval = median_interval(values)
            self.assertEqual(interval[:2], (rank, n + 1 - rank), n)
            self.assertGreaterEqual(interval.confidence, 0.95)

    def test_one_value(self):
        self.assertEqual(median_interval([7.0]), (7, 7, 0))


if __name__ == "__main__":
    unittest.main()
