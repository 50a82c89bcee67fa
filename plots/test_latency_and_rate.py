"""Latency against the offered rate."""

import unittest

from matplotlib.text import Text

from plots import latency_and_rate, synthetic
from plots.records import read_experiment
from plots.style import server_style
from plots.testing import ChartTest, lines_of, words_of

SERVERS = ("blocking-loop", *synthetic.SERVERS)


class LatencyAndRate(ChartTest):
    def setUp(self):
        super().setUp()
        self.experiment = read_experiment(synthetic.write_latency_vs_rate(self.results))
        self.figure = latency_and_rate.draw(self.experiment)

    def test_one_percentile_a_panel_and_what_was_not_answered(self):
        titles = [axes.get_title("left") for axes in self.figure.axes]
        self.assertEqual([title.split(":")[0] for title in titles[:3]], ["p50", "p99", "p99.9"])
        self.assertIn("Not answered", titles[3])
        for axes, column in zip(self.figure.axes, ("p50_us", "p99_us", "p999_us", "unanswered_percent")):
            self.assertEqual(list(axes.get_xticks()), list(synthetic.PERCENTS))
            self.assertEqual(axes.get_yscale(), "linear" if column == "unanswered_percent" else "log")
            (line,) = lines_of(axes, "epoll")
            runs = [run for run in self.experiment.runs if run.server == "epoll"]
            for percent, value in zip(line.get_xdata(), line.get_ydata()):
                values = [getattr(run, column) for run in runs if run.capacity_percent == percent]
                self.assertAlmostEqual(value, sum(values) / 2)  # the median of two

    def test_a_sixth_of_what_is_offered_beyond_the_capacity_is_not_answered_in_time(self):
        (line,) = lines_of(self.figure.axes[3], "epoll")
        self.assertAlmostEqual(line.get_ydata()[-1], 100 * (1 - 0.99 / 1.2), delta=0.01)
        self.assertEqual(line.get_ydata()[0], 0)

    def test_the_title_is_the_finding(self):
        self.assertRegex(
            self.figure._suptitle.get_text(),
            r"^p99 [0-9]+ µs at 10 %, 2\.[0-9]+ ms at 90 %, 2[0-9]+ ms at 120 % of the capacity$",
        )

    def test_each_line_has_its_name_at_its_end(self):
        for axes in self.figure.axes:
            self.assertIsNone(axes.get_legend())
            names = {text.get_text(): text for text in axes.texts if text.get_text() in SERVERS}
            self.assertEqual(set(names), set(SERVERS))
            for server, text in names.items():
                self.assertEqual(text.get_color(), server_style(server).colour)

    def test_names_stand_apart_and_in_the_order_of_the_lines(self):
        self.figure.draw_without_rendering()
        for axes in self.figure.axes:
            names = [text for text in axes.texts if text.get_text() in SERVERS]
            # Of the words alone: an annotation's own extent has its line in it.
            boxes = sorted((Text.get_window_extent(text) for text in names), key=lambda box: box.y0)
            for below, above in zip(boxes, boxes[1:]):
                self.assertGreaterEqual(above.y0 - below.y0, names[0].get_size() * self.figure.dpi / 72)
            lines = [lines_of(axes, text.get_text())[0].get_ydata()[-1] for text in names]
            places = [Text.get_window_extent(text).y0 for text in names]
            self.assertEqual(
                [line for _, line in sorted(zip(places, lines))], sorted(lines), axes.get_title("left")
            )

    def test_the_footer_says_what_the_rate_is_a_share_of_and_what_was_lost(self):
        words = words_of(self.figure)
        self.assertRegex(words, r"Capacity \(requests a second.*epoll 3,[67][0-9]+")
        self.assertIn("Each request computes 250 µs", words)
        self.assertIn("at the bound of their run in the percentiles: select 6.", words)
        self.assertIn("the generator was late (repetitions: poll 1)", words)
        self.assertIn("Ring: a single valid repetition, so its spread is unknown: poll at 90 %.", words)
        self.assertIn("thread-per-connection: 4 errors at 50 %", words)
        self.assertIn("n = 2 repetitions a point · open loop", words)
        self.assertIn("bar: lowest to highest, which holds the true median with 50 % (n = 2);", words)
        self.assertNotIn("too few requests", words)

    def test_a_percentile_that_too_few_requests_stand_behind_is_not_drawn_and_that_is_said(self):
        folder = synthetic.write_latency_vs_rate(self.results / "few", with_p999=False)
        figure = latency_and_rate.draw(read_experiment(folder))
        self.assertEqual(
            [text.get_text() for text in figure.axes[2].texts if "few" in text.get_text()],
            ["too few requests a run for it"],
        )
        words = words_of(figure)
        self.assertIn("No p99.9, since too few requests stood behind it: blocking-loop at 10 %, 50 %", words)
        self.assertNotIn("No p99,", words)
        self.assert_apart(figure)

    def test_no_valid_run(self):
        lines = [
            synthetic.run_cells(
                "latency-vs-rate", "epoll", 20, 1, capacity_percent=10, valid="no", invalid_reason="stolen"
            )
        ]
        figure = latency_and_rate.draw(
            read_experiment(synthetic.write_experiment(self.results, "void", lines))
        )
        self.assertEqual(figure._suptitle.get_text(), "Latency against the offered rate: no valid run")

    def test_shares_are_linear_from_nothing_even_where_none_is_zero(self):
        lines = [
            synthetic.run_cells(
                "latency-vs-rate",
                "epoll",
                20,
                1,
                capacity_percent=percent,
                capacity_per_s=1000,
                offered_per_s=1000,
                achieved_per_s=achieved,
                p50_us=100,
                valid="no",
                invalid_reason="stolen",
            )
            for percent, achieved in ((10, 999), (120, 500))
        ]
        figure = latency_and_rate.draw(
            read_experiment(synthetic.write_experiment(self.results, "wide", lines))
        )
        axes = figure.axes[3]
        self.assertEqual((axes.get_yscale(), axes.get_ylim()[0]), ("linear", 0))
        self.assertGreater(axes.get_ylim()[1], 50)
        self.assertIn(
            "epoll 1,000. Each request", words_of(figure), "the capacity of void runs is known, too"
        )

    def test_nothing_covers_anything(self):
        self.assert_apart(self.figure)


if __name__ == "__main__":
    unittest.main()
