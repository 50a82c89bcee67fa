"""Throughput over open connections."""

import unittest

from plots import synthetic, throughput
from plots.records import read_experiment
from plots.style import FAILURE_RED
from plots.testing import ChartTest, lines_of, words_of


class Layout(ChartTest):
    def test_panels_stand_at_rounded_places(self):
        """The layout engine's last digits differ from one drawing to the next; equal files need them gone."""
        figure = throughput.draw(read_experiment(synthetic.write_throughput(self.results)))
        for axes in figure.axes:
            for share in axes.get_position(original=True).bounds:
                self.assertAlmostEqual(share, round(share, 4), places=12)


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
