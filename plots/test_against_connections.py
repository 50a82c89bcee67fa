"""The charts over open connections: latency, memory, throughput."""

import math
import tempfile
import unittest
from pathlib import Path

from matplotlib.colors import to_hex

from plots import latency, memory, synthetic, throughput
from plots.against_connections import median_interval, points_by_server
from plots.records import read_experiment
from plots.style import FAILURE_RED, server_style


def lines_of(axes, label: str) -> list:
    return [line for line in axes.get_lines() if line.get_label() == label]


def legend_of(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def words_of(figure) -> str:
    # The footer is written from its last line up.
    return " ".join(text.get_text() for text in reversed(figure.texts))


class ChartTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def assert_apart(self, figure):
        """No legend lies over a panel, nothing of a panel over the title, no text leaves the figure."""
        figure.draw_without_rendering()
        for axes in figure.axes:
            below = figure._suptitle.get_window_extent().y0
            self.assertLess(axes.get_tightbbox(figure._get_renderer()).y1, below, axes.get_title("left"))
            legend = axes.get_legend()
            for other in figure.axes if legend else []:
                if other.axison:
                    self.assertFalse(legend.get_window_extent().overlaps(other.get_window_extent()))
        for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]:
            extent = text.get_window_extent()
            inside = extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y0 >= 0
            self.assertTrue(inside, text.get_text())


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


class Layout(ChartTest):
    def test_panels_stand_at_rounded_places(self):
        """The layout engine's last digits differ from one drawing to the next; equal files need them gone."""
        figure = throughput.draw(read_experiment(synthetic.write_throughput(self.results)))
        for axes in figure.axes:
            for share in axes.get_position(original=True).bounds:
                self.assertAlmostEqual(share, round(share, 4), places=12)


class Latency(ChartTest):
    def setUp(self):
        super().setUp()
        self.experiment = read_experiment(synthetic.write_latency(self.results))
        self.figure = latency.draw(self.experiment)
        self.axes = self.figure.axes[0]

    def test_axes(self):
        self.assertEqual((self.axes.get_xscale(), self.axes.get_yscale()), ("log", "log"))
        self.assertEqual(self.axes.get_xlabel(), "open connections")
        self.assertIn("µs", self.axes.get_ylabel())
        self.assertIn("8 of them speak", self.figure._suptitle.get_text())

    def test_a_solid_and_a_dashed_line_through_the_medians(self):
        dashed, solid = lines_of(self.axes, "poll")
        self.assertEqual((solid.get_linestyle(), dashed.get_linestyle()), ("-", "--"))
        self.assertEqual(to_hex(solid.get_color()).upper(), server_style("poll").colour)
        self.assertEqual(list(solid.get_xdata()), list(synthetic.CONNECTIONS))
        values = [
            run.p50_us for run in self.experiment.runs if (run.server, run.connections) == ("poll", 100)
        ]
        self.assertEqual(solid.get_ydata()[1], sorted(values)[1])
        self.assertTrue(all(high > low for low, high in zip(solid.get_ydata(), dashed.get_ydata())))

    def test_every_valid_repetition_is_a_raw_point(self):
        drawn = sum(
            len(points.get_offsets()) for points in self.axes.collections if points.get_label() == "_raw"
        )
        measured = sum(
            (run.p50_us is not None) + (run.p99_us is not None) for run in self.experiment.runs if run.valid
        )
        self.assertEqual(drawn, measured)

    def test_legend(self):
        self.assertEqual(
            legend_of(self.axes),
            [
                "poll",
                "select",
                "thread-per-connection",
                "epoll",
                "p50 (median request)",
                "p99 (1 in 100 is slower)",
            ],
        )

    def test_invalid_points_are_hollow_and_off_the_line(self):
        solid = lines_of(self.axes, "epoll")[1]
        self.assertTrue(math.isnan(solid.get_ydata()[-1]))
        hollow = lines_of(self.axes, "_invalid")
        self.assertEqual(
            [(list(line.get_xdata()), line.get_markerfacecolor()) for line in hollow], [([5000], "white")] * 2
        )
        self.assertIn(
            "Hollow: invalid, in no median: the generator was the bottleneck " "(repetitions: epoll 3).",
            words_of(self.figure),
        )

    def test_one_invalid_repetition_is_in_no_median(self):
        lines = synthetic.points("latency-vs-connections", lambda *_: {"p50_us": 10}, ("epoll",))
        lines[0].update(p50_us=9000, valid="no", invalid_reason="stolen time")
        folder = synthetic.write_experiment(self.results, "x", lines)
        points = points_by_server(read_experiment(folder))["epoll"]
        self.assertEqual(points[0].typical("p50_us"), 10)
        self.assertEqual(points[0].values("p50_us", valid=False), [9000])

    def test_a_single_valid_repetition_is_ringed_and_named(self):
        lines = synthetic.points("throughput-vs-connections", lambda *_: {"requests_per_s": 10}, ("epoll",))
        first = lines[0]["connections"]
        at_first = [line for line in lines if line["connections"] == first]
        for line in at_first[1:]:
            line.update(valid="no", invalid_reason="stolen time")
        figure = throughput.draw(
            read_experiment(synthetic.write_experiment(self.results, "throughput-vs-connections", lines))
        )
        (ring,) = [drawn for drawn in figure.axes[0].collections if drawn.get_label() == "_alone"]
        self.assertEqual([place[0] for place in ring.get_offsets()], [first])
        self.assertIn(
            f"Ring: a single valid repetition, so its spread is unknown: epoll at {first:,}.",
            words_of(figure),
        )

    def test_failures_are_red_crosses_with_their_number(self):
        crosses = lines_of(self.axes, "_failed")
        self.assertEqual(
            [(line.get_marker(), line.get_color()) for line in crosses], [("x", FAILURE_RED)] * 2
        )
        self.assertEqual({line.get_xdata()[0] for line in crosses}, {5000})
        self.assertEqual({text.get_text() for text in self.axes.texts}, {"12", "11,940"})
        self.assertIn("select: 11,940 refused at 5,000", words_of(self.figure))

    def test_a_failed_point_that_measured_nothing_stands_at_the_upper_edge(self):
        edge = [
            line
            for line in lines_of(self.axes, "_failed")
            if line.get_transform() == self.axes.get_xaxis_transform()
        ]
        self.assertEqual([list(line.get_ydata()) for line in edge], [[0.97]])

    def test_footer(self):
        words = words_of(self.figure)
        for part in (
            "n = 3 repetitions a point",
            "closed loop",
            "messages of 14 bytes",
            "kernel 6.18.0",
            "CPU Example CPU",
            "cores 2",
            "commit 0123456789ab",
            "Left out: blocking-loop: one silent client stops it.",
        ):
            self.assertIn(part, words)

    def test_footer_of_an_unknown_environment(self):
        (self.experiment.folder / "environment.json").unlink()
        words = words_of(latency.draw(read_experiment(self.experiment.folder)))
        self.assertIn("kernel unknown · CPU unknown · cores unknown · commit unknown", words)
        self.assertNotIn("Left out", words)

    def test_nothing_covers_the_data(self):
        self.assert_apart(self.figure)

    def test_everything_failed(self):
        lines = synthetic.points("latency-vs-connections", lambda *_: {"refused": 5})
        figure = latency.draw(read_experiment(synthetic.write_experiment(self.results, "y", lines)))
        self.assertEqual(
            len(lines_of(figure.axes[0], "_failed")), len(synthetic.SERVERS) * len(synthetic.CONNECTIONS)
        )


class Memory(ChartTest):
    def setUp(self):
        super().setUp()
        self.experiment = read_experiment(synthetic.write_memory(self.results))
        self.figure = memory.draw(self.experiment)

    def test_a_panel_for_each_kind_and_a_line_for_each_server(self):
        panels = self.figure.axes[:-1]
        self.assertEqual([axes.get_title("left") for axes in panels], [title for _, title in memory.PANELS])
        for axes in panels:
            self.assertEqual([line.get_label() for line in axes.get_lines()], list(synthetic.SERVERS))
            self.assertEqual(axes.get_xscale(), "log")
            self.assertRegex(axes.yaxis.get_major_formatter()(2.0**20), "MiB")

    def test_fitted_slope_is_that_of_the_data(self):
        points = points_by_server(self.experiment)
        for column, (thread, other, _) in synthetic.SLOPES.items():
            for server, slope in (("thread-per-connection", thread), ("epoll", other)):
                fitted = memory.bytes_per_connection(points[server], column)
                self.assertAlmostEqual(fitted, slope, delta=1e-6 * max(slope, 1))

    def test_fit_leaves_out_what_is_invalid(self):
        lines = synthetic.points("memory-vs-connections", lambda _, n: {"rss_bytes": 10 + 50 * n}, ("epoll",))
        lines[0].update(rss_bytes=10**9, valid="no")
        folder = synthetic.write_experiment(self.results, "x", lines)
        points = points_by_server(read_experiment(folder))["epoll"]
        self.assertAlmostEqual(memory.bytes_per_connection(points, "rss_bytes"), 50)
        self.assertIsNone(memory.bytes_per_connection(points[:1], "rss_bytes"))

    def test_legend_names_the_bytes_a_connection_adds(self):
        self.assertIn("thread-per-connection: 8.11 KiB", legend_of(self.figure.axes[1]))
        self.assertIn("epoll: 110 B", legend_of(self.figure.axes[1]))

    def test_what_was_not_measured_is_said(self):
        lines = synthetic.points("memory-vs-connections", lambda _, n: {"rss_bytes": 1000 * n})
        figure = memory.draw(read_experiment(synthetic.write_experiment(self.results, "x", lines)))
        self.assertEqual([text.get_text() for text in figure.axes[0].texts], ["not measured"])
        self.assertEqual([text.get_text() for text in figure.axes[1].texts], [])

    def test_nothing_covers_the_data(self):
        self.assert_apart(self.figure)


class Throughput(ChartTest):
    def test_two_panels(self):
        figure = throughput.draw(read_experiment(synthetic.write_throughput(self.results)))
        above, below = figure.axes
        for axes in (above, below):
            self.assertEqual((axes.get_xscale(), axes.get_ylim()[0]), ("log", 0))
            self.assertEqual(len(axes.get_lines()), len(synthetic.SERVERS) + 1)
            self.assertIn("python3 echo.py", legend_of(axes))
        self.assertEqual(above.get_ylabel(), "requests a second")
        self.assertIn("µs", below.get_ylabel())
        self.assertEqual(above.yaxis.get_major_formatter()(120_000), "120,000")
        self.assert_apart(figure)


if __name__ == "__main__":
    unittest.main()
