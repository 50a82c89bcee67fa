"""Latency over open connections."""

import math
import unittest

from matplotlib.colors import to_hex

from plots import latency, synthetic
from plots.against_connections import points_by_server
from plots.records import read_experiment
from plots.style import FAILURE_RED, server_style
from plots.testing import ChartTest, ends_of, lines_of, words_of


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


if __name__ == "__main__":
    unittest.main()
