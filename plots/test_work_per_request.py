"""Where the lines cross when a request costs more than its bytes."""

import unittest

from plots import synthetic, work_per_request
from plots.against_connections import points_by_server
from plots.records import read_experiment
from plots.style import server_style
from plots.testing import ChartTest, ends_of, lines_of, words_of
from plots.work_per_request import Crossing


class WorkPerRequest(ChartTest):
    def setUp(self):
        super().setUp()
        self.experiment = read_experiment(synthetic.write_work_per_request(self.results))
        self.figure = work_per_request.draw(self.experiment)

    def points(self, rates):
        """Points of made-up servers; `rates` gives for each its throughput by cost, and a cost of None is invalid."""
        lines = []
        for server, by_cost in rates.items():
            for cost, rate in by_cost.items():
                valid = {} if rate > 0 else {"valid": "no", "invalid_reason": "stolen"}
                lines.append(
                    synthetic.run_cells(
                        "work-per-request", server, 8, 1, wait_us=cost, requests_per_s=abs(rate), **valid
                    )
                )
        self.made_up = read_experiment(synthetic.write_experiment(self.results, "made-up", lines))
        return points_by_server(self.made_up, lambda run: run.wait_us)

    def test_the_crossing_lies_between_measured_costs(self):
        found = work_per_request.crossing(
            self.points(
                {
                    "epoll": {0: 100, 20: 50, 100: 10},
                    "select": {0: 90, 20: 60, 100: 9},
                    "thread-per-connection": {0: 60, 20: 54, 100: 30},
                }
            )
        )
        self.assertEqual(found, Crossing("thread-per-connection", 20, 100, 100, 3.0))
        self.assertEqual(
            work_per_request.in_words(found),
            "thread-per-connection overtakes epoll\nbetween 20 and 100 µs; 3.0 times as many at 100 µs",
        )

    def test_ahead_from_the_start_or_never(self):
        words = work_per_request.lesson(self.points({"epoll": {0: 100, 20: 50}, "poll": {0: 200, 20: 100}}))
        self.assertEqual(words, "poll is ahead of epoll\nfrom 0 µs on; 2.0 times as many at 20 µs")
        words = work_per_request.lesson(self.points({"epoll": {0: 100, 20: 50}, "poll": {0: 200, 20: 54}}))
        self.assertEqual(words, "no server with valid points overtakes epoll")

    def test_invalid_points_cross_nothing(self):
        for rates in (
            {"epoll": {20: -50}, "poll": {20: 100}},
            {"epoll": {20: 50}, "poll": {20: -100}},
            {"poll": {20: 100}},
        ):
            self.assertEqual(
                work_per_request.lesson(self.points(rates)), "no valid points of epoll and another"
            )

    def test_the_axis_is_what_a_request_took_epoll(self):
        self.points({"epoll": {0: 100_000, 20: 12_500, 100: -1}, "poll": {0: 50_000, 20: 25_000, 100: 1}})
        points, asked = work_per_request.by_measured_cost(self.made_up, lambda run: run.wait_us)
        self.assertEqual(asked, {10.0: 0, 80.0: 20})
        of = {
            server: [(point.connections, point.typical(work_per_request.COLUMN)) for point in servers_points]
            for server, servers_points in points.items()
        }
        self.assertEqual(of, {"poll": [(10, 0.5), (80, 2)], "epoll": [(10, 1), (80, 1)]})

    def test_the_title_is_the_finding(self):
        ahead = Crossing("thread-per-connection", 5, 74, 590, 7.1)
        self.assertEqual(
            work_per_request.finding([("wait", ahead), ("compute", None)]),
            "When epoll loses, at costly requests: thread-per-connection 7.1 × where they wait",
        )
        self.assertIn("nobody is ahead", work_per_request.finding([("wait", None)]))

    def test_a_panel_for_waiting_and_one_for_computing(self):
        waits, computes = self.figure.axes
        self.assertRegex(
            waits.get_title("left"), r"overtakes epoll\nbetween \d+ and \d+ µs; [78]\.\d times as many"
        )
        self.assertRegex(
            computes.get_title("left"), "^Each request computes:\n(thread|process)-per-connection overtakes"
        )
        for axes in (waits, computes):
            self.assertEqual(axes.get_xlabel(), "what a request takes epoll, measured (µs)")
            self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
            told = [text.get_text() for text in axes.texts if text.get_label() == "_asked"]
            self.assertEqual(told, [f"asked: {cost}" for cost in (0, 20, 100, 500)])
            for server in ("process-per-connection", *synthetic.SERVERS):
                (line,) = lines_of(axes, server)
                self.assertEqual(len(line.get_xdata()), 4)
                self.assertEqual(line.get_color(), server_style(server).colour)
            for ratio in lines_of(axes, "epoll")[0].get_ydata():
                self.assertAlmostEqual(ratio, 1)
            self.assertEqual(set(ends_of(axes)), {"process-per-connection", *synthetic.SERVERS})

    def test_the_footer_says_where_the_programs_ran(self):
        words = words_of(self.figure)
        self.assertIn("the server has a core of its own", words)
        self.assertIn("n = 2 repetitions a point", words)
        self.assertIn("which holds the true median with 50 % (n = 2)", words)
        self.assertEqual(words.count("Line: median"), 1)

    def test_one_series_alone(self):
        lines = [synthetic.run_cells("work-per-request", "epoll", 8, 1, wait_us=20, requests_per_s=100)]
        figure = work_per_request.draw(
            read_experiment(synthetic.write_experiment(self.results, "alone", lines))
        )
        self.assertEqual(figure.axes[1].get_title("left"), "Each request computes: not measured")

    def test_nothing_covers_the_data(self):
        self.assert_apart(self.figure)
        self.figure.draw_without_rendering()
        left, right = (axes._left_title.get_window_extent() for axes in self.figure.axes)
        self.assertFalse(left.overlaps(right))

    def test_figures_in_reasons_make_no_notes_of_their_own(self):
        lines = [
            synthetic.run_cells(
                "work-per-request", "epoll", 8, number, requests_per_s=100, valid="no", invalid_reason=reason
            )
            for number, reason in enumerate(
                (
                    "the generator was starved: it waited for a core 42 % of the time",
                    "the generator was starved: it waited for a core 43 % of the time",
                    "the hypervisor took 3 % of the time",
                    "the hypervisor took 4 % of the time",
                )
            )
        ]
        words = words_of(
            work_per_request.draw(read_experiment(synthetic.write_experiment(self.results, "bad", lines)))
        )
        self.assertIn("the generator was starved (repetitions: epoll 2)", words)
        self.assertIn("the hypervisor took too much time (repetitions: epoll 2)", words)


if __name__ == "__main__":
    unittest.main()
