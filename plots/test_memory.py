"""Memory of open connections."""

import unittest

from plots import memory, style, synthetic
from plots.against_connections import points_by_server
from plots.records import read_experiment
from plots.testing import ChartTest, ends_of, legend_of


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


if __name__ == "__main__":
    unittest.main()
