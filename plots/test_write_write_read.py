"""Round times with and without TCP_NODELAY."""

import tempfile
import unittest
from pathlib import Path

from matplotlib.colors import to_hex

from plots import synthetic, write_write_read
from plots.records import RecordsError, read_experiment
from plots.style import server_style

MS = 1_000_000


class WriteWriteRead(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def draw(self, times_ns=None):
        return write_write_read.draw(
            read_experiment(synthetic.write_write_write_read(self.results, times_ns))
        )

    def test_times_in_words(self):
        for microseconds, words in (
            (0.25, "0.25 µs"),
            (8, "8 µs"),
            (999, "999 µs"),
            (1000, "1 ms"),
            (43_992, "44 ms"),
        ):
            self.assertEqual(write_write_read.in_words(microseconds), words)

    def test_the_cumulative_share_counts_what_is_not_above(self):
        self.assertEqual(
            write_write_read.cumulative_share([30, 10, 20, 20]), [(10, 0.25), (20, 0.5), (20, 0.75), (30, 1)]
        )

    def test_fast_rounds_before_the_first_stall(self):
        self.assertEqual(write_write_read.fast_at_first([50, 60, 44_000, 50]), 2)
        self.assertEqual(write_write_read.fast_at_first([44_000, 50]), 0)
        self.assertEqual(write_write_read.fast_at_first([50, 60]), 0)

    def test_the_title_is_computed_from_the_medians(self):
        figure = self.draw(
            {"nodelay": [[80_000, 60_000, 70_000]], "nagle": [[1, 42 * MS, 40 * MS], [44 * MS] * 3]}
        )
        self.assertEqual(
            figure._suptitle.get_text(),
            "Write, write, read: median 42 ms with Nagle's algorithm, 70 µs without: 600 times as long",
        )
        words = [text.get_text() for text in figure.axes[1].texts]
        self.assertEqual(
            words, ["Nagle's algorithm (the default)\nmedian 42 ms", "TCP_NODELAY\nmedian 70 µs"]
        )
        none = self.draw({"nodelay": [[70_000]], "nagle": [[80_000]]})
        self.assertTrue(none._suptitle.get_text().endswith("no delay here"))
        alone = self.draw({"nodelay": [[70_000]]})
        self.assertEqual(alone._suptitle.get_text(), "Write, write, read: nodelay: median 70 µs")

    def test_every_round_of_every_repetition_is_a_point_in_order(self):
        left = self.draw().axes[0]
        self.assertEqual(
            [line.get_label() for line in left.get_lines()], ["nagle", "nagle", "nodelay", "nodelay"]
        )
        for line, repetition in zip(left.get_lines(), (1, 2, 1, 2)):
            times = [ns / 1000 for ns in synthetic.round_times_ns(line.get_label(), 100, repetition)]
            self.assertEqual(list(line.get_ydata()), times)
            self.assertEqual(list(line.get_xdata()), list(range(1, 101)))
            self.assertEqual(to_hex(line.get_color()).upper(), server_style(line.get_label()).colour)

    def test_the_distribution_has_a_line_a_repetition_up_to_all(self):
        right = self.draw().axes[1]
        curves = [line for line in right.get_lines() if line.get_label() != "_median"]
        self.assertEqual(len(curves), 4)
        for curve in curves:
            shares, times = list(curve.get_xdata()), list(curve.get_ydata())
            self.assertEqual((shares[0], shares[-1], len(shares)), (0, 100, 101))
            self.assertEqual(times, sorted(times))

    def test_one_logarithmic_axis_of_time_with_units(self):
        left, right = self.draw().axes
        self.assertEqual((left.get_yscale(), right.get_yscale(), left.get_xscale()), ("log", "log", "log"))
        self.assertEqual(left.get_ylim(), right.get_ylim())
        low, high = left.get_ylim()
        self.assertTrue(low < 55 and high > 48_000)
        self.assertEqual(left.yaxis.get_major_formatter()(10_000), "10 ms")
        self.assertEqual(self.draw({"nodelay": [[70_000, 60_000]]}).axes[0].get_yscale(), "log")

    def test_the_first_rounds_stand_apart_where_there_are_any(self):
        left = self.draw().axes[0]
        self.assertEqual([text.get_text() for text in left.texts], ["nothing is delayed yet"])
        self.assertIn(
            "Rounds before the first slow one, with Nagle's algorithm: 2.", self.footer(self.draw())
        )
        mixed = self.draw({"nagle": [[44 * MS] * 3, [70_000, 44 * MS]]})
        self.assertEqual(mixed.axes[0].texts[0].xy, (1, 70))
        self.assertIn("algorithm: 0 to 1.", self.footer(mixed))
        stalled = self.draw({"nodelay": [[70_000]], "nagle": [[44 * MS] * 3]})
        self.assertEqual(len(stalled.axes[0].texts), 0)

    @staticmethod
    def footer(figure) -> str:
        return " ".join(text.get_text() for text in figure.texts)

    def test_footer_says_that_it_is_another_matter(self):
        words = self.footer(self.draw())
        self.assertIn("This is another matter than sticking", words)
        self.assertIn("n = 2 repetitions of 100 rounds for each", words)
        self.assertIn("kernel 6.18.0", words)

    def test_nothing_is_written_over_anything(self):
        figure = self.draw()
        figure.draw_without_rendering()
        left, right = figure.axes
        self.assertLess(figure._suptitle.get_window_extent().x1, figure.bbox.width)
        for text, name in zip(right.texts, ("nagle", "nodelay")):
            (median_point,) = [
                line
                for line in right.get_lines()
                if line.get_label() == "_median" and line.get_marker() == server_style(name).marker
            ]
            place = right.transData.transform((median_point.get_xdata()[0], median_point.get_ydata()[0]))
            self.assertFalse(text.get_window_extent().contains(*place))
            self.assertLess(text.get_window_extent().y1, right._left_title.get_window_extent().y0)
            self.assertGreater(text.get_window_extent().y0, right.get_window_extent().y0)
        self.assertLess(left.texts[0].get_window_extent().x1, left.get_window_extent().x1)

    def test_broken_samples_are_named(self):
        experiment = read_experiment(synthetic.write_write_write_read(self.results))
        samples = experiment.folder / experiment.runs[0].samples_file
        for contents, phrase in ((b"abcde", "is not made of 32-bit numbers"), (b"", "holds no sample")):
            samples.write_bytes(contents)
            with self.assertRaisesRegex(RecordsError, f"nodelay-c1-r1.u32: {phrase}"):
                write_write_read.draw(experiment)
        samples.unlink()
        with self.assertRaisesRegex(RecordsError, "nodelay-c1-r1.u32: No such file"):
            write_write_read.draw(experiment)


if __name__ == "__main__":
    unittest.main()
