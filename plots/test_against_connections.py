"""The charts over open connections: latency, memory, throughput."""

import math
import tempfile
import unittest
from itertools import combinations
from pathlib import Path

from matplotlib.colors import to_hex
from matplotlib.text import Text

from plots import latency, memory, style, synthetic, throughput
from plots.against_connections import median_interval, points_by_server
from plots.records import read_experiment
from plots.style import FAILURE_RED, server_style


def lines_of(axes, label: str) -> list:
    return [line for line in axes.get_lines() if line.get_label() == label]


def ends_of(axes) -> list[str]:
    """The names at the ends of lines, from the top down."""
    ends = [text for text in axes.texts if text.get_label() == "_end"]
    return [text.get_text() for text in sorted(ends, key=lambda text: -text.xyann[1])]


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
            extent = Text.get_window_extent(text)
            inside = extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y0 >= 0
            self.assertTrue(inside, text.get_text())
        self.assertLess(figure._suptitle.get_window_extent().x1, figure.bbox.x1)
        for axes in figure.axes:
            ends = [Text.get_window_extent(text) for text in axes.texts if text.get_label() == "_end"]
            for one, other in combinations(ends, 2):
                self.assertFalse(one.overlaps(other), axes.get_title("left"))


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

    def test_a_percentile_a_panel(self):
        for axes, title in zip(self.figure.axes, ("p50", "p99")):
            self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
            self.assertTrue(axes.get_title("left").startswith(title))
            self.assertIn("µs", axes.get_ylabel())
        self.assertEqual(self.figure.axes[1].get_xlabel(), "open connections")

    def test_a_line_through_the_medians(self):
        for axes, column in zip(self.figure.axes, ("p50_us", "p99_us")):
            (line,) = lines_of(axes, "poll")
            self.assertEqual(to_hex(line.get_color()).upper(), server_style("poll").colour)
            self.assertEqual(list(line.get_xdata()), list(synthetic.CONNECTIONS))
            values = [
                getattr(run, column)
                for run in self.experiment.runs
                if (run.server, run.connections) == ("poll", 100)
            ]
            self.assertEqual(line.get_ydata()[1], sorted(values)[1])

    def test_every_valid_repetition_is_a_raw_point(self):
        for axes, column in zip(self.figure.axes, ("p50_us", "p99_us")):
            drawn = sum(
                len(points.get_offsets()) for points in axes.collections if points.get_label() == "_raw"
            )
            measured = sum(getattr(run, column) is not None for run in self.experiment.runs if run.valid)
            self.assertEqual(drawn, measured)

    def test_each_line_has_its_name_at_its_end(self):
        self.assertEqual(ends_of(self.axes), ["poll", "select", "thread-per-connection", "epoll"])
        (name,) = [text for text in self.axes.texts if text.get_text() == "poll"]
        self.assertEqual(name.get_color(), server_style("poll").colour)

    def test_a_line_without_a_valid_point_says_so(self):
        lines = synthetic.points(
            "latency-vs-connections", lambda *_: {"p50_us": 10, "p99_us": 20}, ("epoll", "poll")
        )
        for line in lines:
            if line["server"] == "poll":
                line.update(valid="no", invalid_reason="stolen time")
        figure = latency.draw(read_experiment(synthetic.write_experiment(self.results, "x", lines)))
        self.assertEqual(sorted(ends_of(figure.axes[0])), ["epoll", "poll (no valid run)"])

    def title_of(self, medians: dict[str, float]) -> str:
        lines = synthetic.points(
            "latency-vs-connections", lambda server, _: {"p50_us": medians[server]}, medians, (10, 1000)
        )
        return latency.draw(
            read_experiment(synthetic.write_experiment(self.results, "x", lines))
        )._suptitle.get_text()

    def test_the_title_is_the_finding(self):
        self.assertEqual(
            self.title_of({"poll": 90, "epoll": 30}),
            "1,000 connections, 8 speak: poll takes 3.0 × as long as epoll (p50)",
        )
        self.assertEqual(
            self.title_of({"poll": 30, "epoll": 90}),
            "1,000 connections, 8 speak: epoll takes 3.0 × as long as poll (p50)",
        )
        self.assertEqual(
            self.title_of({"poll": 30, "epoll": 33}),
            "1,000 connections, 8 speak: all servers answer about equally fast",
        )
        self.assertEqual(self.title_of({"poll": 30}), "Latency against open connections: 8 of them speak")

    def test_invalid_points_are_hollow_and_off_the_line(self):
        (line,) = lines_of(self.axes, "epoll")
        self.assertTrue(math.isnan(line.get_ydata()[-1]))
        self.assertEqual(
            [
                (list(hollow.get_xdata()), hollow.get_markerfacecolor())
                for hollow in lines_of(self.axes, "_invalid")
            ],
            [([5000], "white")],
        )
        self.assertIn(
            "Hollow: invalid, in no median: the generator was the bottleneck (repetitions: epoll 3).",
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
        lines = synthetic.points("latency-vs-connections", lambda *_: {"p50_us": 10}, ("epoll",))
        first = lines[0]["connections"]
        for line in [line for line in lines if line["connections"] == first][1:]:
            line.update(valid="no", invalid_reason="stolen time")
        figure = latency.draw(read_experiment(synthetic.write_experiment(self.results, "x", lines)))
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
        told = {text.get_text() for text in self.axes.texts if text.get_label() != "_end"}
        self.assertEqual(told, {"12", "11,940"})
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

    def test_two_panels_with_a_line_for_each_server(self):
        for axes, (_, title) in zip(self.figure.axes[1:], memory.PANELS):
            self.assertEqual(axes.get_title("left"), title)
            self.assertEqual([line.get_label() for line in axes.get_lines()], list(synthetic.SERVERS))
            self.assertEqual(sorted(ends_of(axes)), sorted(synthetic.SERVERS))
            self.assertEqual(axes.get_xscale(), "log")
            self.assertRegex(axes.yaxis.get_major_formatter()(2.0**20), "MiB")

    def test_fitted_slope_is_that_of_the_data(self):
        points = points_by_server(self.experiment)
        for column, (thread, other, _) in synthetic.SLOPES.items():
            for server, slope in (("thread-per-connection", thread), ("epoll", other)):
                fitted = memory.bytes_per_connection(points[server], column)
                self.assertAlmostEqual(fitted.bytes, slope, delta=1e-6 * max(slope, 1))

    def slope_of(self, values: list[tuple[int, int]], **first_cells) -> memory.Slope:
        lines = [
            synthetic.run_cells("memory-vs-connections", "epoll", connections, 1, rss_bytes=value)
            for connections, value in values
        ]
        lines[0].update(first_cells)
        folder = synthetic.write_experiment(self.results, "x", lines)
        return memory.bytes_per_connection(points_by_server(read_experiment(folder))["epoll"], "rss_bytes")

    def test_fit_leaves_out_what_is_invalid(self):
        values = [(10, 10**9), (10, 510), (100, 5010), (1000, 50_010)]
        self.assertAlmostEqual(self.slope_of(values, valid="no").bytes, 50)
        self.assertIsNone(self.slope_of(values[1:2]))

    def test_what_repetitions_differ_by_is_about_nothing(self):
        unsteady = self.slope_of([(10, 4096), (10, 12_288), (1000, 8192), (1000, 9000)])
        self.assertEqual(unsteady.amount, 0)
        falling = self.slope_of([(10, 900_000), (1000, 8192)])
        self.assertLess(falling.bytes, 0)
        self.assertEqual(falling.amount, 0)
        self.assertAlmostEqual(self.slope_of([(10, 4096), (1000, 994_096)]).amount, 1000)
        self.assertEqual((memory.about(0), memory.about(8305)), ("about 0", "8.11 KiB"))

    def test_a_bar_is_made_of_what_adds_up(self):
        bars = self.figure.axes[0]
        servers = [label.get_text() for label in bars.get_yticklabels()]
        self.assertEqual(servers, list(synthetic.SERVERS))
        thread = synthetic.SERVERS.index("thread-per-connection")
        widths = [
            bar.get_width() for bar in bars.patches if round(bar.get_y() + bar.get_height() / 2) == thread
        ]
        self.assertEqual(
            [round(width) for width in widths],
            [synthetic.SLOPES[column][0] for column, _, _ in memory.PARTS if synthetic.SLOPES[column][0]],
        )
        told = style.human_bytes(sum(widths))
        self.assertEqual(bars.texts[thread].get_text(), told)
        self.assertEqual(
            self.figure._suptitle.get_text(),
            f"One more connection costs {told} with thread-per-connection, "
            f"{bars.texts[synthetic.SERVERS.index('epoll')].get_text()} with epoll",
        )
        self.assertNotIn("data that waits in sockets", legend_of(bars))

    def test_what_was_not_measured_is_said(self):
        lines = synthetic.points("memory-vs-connections", lambda _, n: {"pss_bytes": 1000 * n})
        figure = memory.draw(read_experiment(synthetic.write_experiment(self.results, "x", lines)))
        bars, virtual, used = figure.axes
        self.assertEqual([text.get_text() for text in virtual.texts], ["not measured"])
        self.assertNotIn("not measured", [text.get_text() for text in used.texts])
        one = synthetic.points("memory-vs-connections", lambda *_: {"pss_bytes": 1000}, ("epoll",), (10,))
        figure = memory.draw(read_experiment(synthetic.write_experiment(self.results, "y", one)))
        self.assertIn("no fit", figure.axes[0].texts[0].get_text())

    def test_nothing_covers_the_data(self):
        self.assert_apart(self.figure)


class Throughput(ChartTest):
    def setUp(self):
        super().setUp()
        self.figure = throughput.draw(read_experiment(synthetic.write_throughput(self.results)))

    def test_a_dot_a_server_at_100_and_1000(self):
        titles = [axes.get_title("left") for axes in self.figure.axes]
        self.assertEqual(
            titles,
            [
                f"{title}, {count} connections"
                for count in ("100", "1,000")
                for _, title in throughput.COLUMNS
            ],
        )
        for axes in self.figure.axes:
            names = [line.get_label() for line in axes.get_lines() if not line.get_label().startswith("_")]
            self.assertEqual(names, [*synthetic.SERVERS, "python3 echo.py"])
            self.assertEqual(axes.get_xlim()[0], 0)
        self.assertEqual(self.figure.axes[0].xaxis.get_major_formatter()(120_000), "120,000")
        self.assert_apart(self.figure)

    def test_a_dot_is_the_median_with_its_number(self):
        experiment = read_experiment(self.results / "throughput-vs-connections")
        (dot,) = lines_of(self.figure.axes[0], "epoll")
        values = [
            run.requests_per_s for run in experiment.runs if (run.server, run.connections) == ("epoll", 100)
        ]
        self.assertEqual(list(dot.get_xdata()), [sorted(values)[1]])
        self.assertIn(f"{sorted(values)[1]:,.0f}", [text.get_text() for text in self.figure.axes[0].texts])

    def draw_rates(self, rates: dict[str, float], connections=(100, 1000), **first_cells):
        lines = synthetic.points(
            "throughput-vs-connections",
            lambda server, _: {"requests_per_s": rates[server]},
            rates,
            connections,
        )
        for line in lines:
            if line["server"] == next(iter(rates)):
                line.update(first_cells)
        return throughput.draw(read_experiment(synthetic.write_experiment(self.results, "x", lines)))

    def test_the_title_is_the_finding(self):
        figure = self.draw_rates({"epoll": 300, "process-per-connection": 100})
        title = "1,000 connections, 8 speak: epoll serves 3.0 × as many requests as process-per-connection"
        self.assertEqual(figure._suptitle.get_text().replace("at most ", ""), title)
        figure = self.draw_rates({"epoll": 100, "poll": 110})
        self.assertIn("about as many", figure._suptitle.get_text())

    def test_why_the_blocking_loop_is_ahead_is_said_when_it_is(self):
        self.assertIn("Why blocking-loop", words_of(self.draw_rates({"blocking-loop": 300, "epoll": 200})))
        self.assertNotIn("Why blocking-loop", words_of(self.draw_rates({"blocking-loop": 100, "epoll": 200})))

    def test_invalid_dots_are_hollow_and_failures_red(self):
        figure = self.draw_rates(
            {"epoll": 300, "poll": 100}, valid="no", invalid_reason="stolen time", timeouts=2
        )
        (dot,) = lines_of(figure.axes[0], "epoll")
        self.assertEqual(dot.get_markerfacecolor(), "white")
        (words,) = [text for text in figure.axes[0].texts if "timeouts" in text.get_text()]
        self.assertEqual((words.get_text(), words.get_color()), ("300 (6 timeouts)", FAILURE_RED))

    def test_other_connections_where_those_were_not_measured(self):
        titles = [axes.get_title("left") for axes in self.draw_rates({"epoll": 1}, (1, 3, 30)).axes]
        self.assertEqual(
            [title.rpartition(", ")[2] for title in titles[::2]], ["3 connections", "30 connections"]
        )


if __name__ == "__main__":
    unittest.main()
