"""System calls and context switches a request."""

import unittest

from plots import synthetic, system_calls
from plots.records import Experiment, RecordsError, read_experiment
from plots.testing import ChartTest, legend_of, words_of


class SystemCalls(ChartTest):
    def draw(self, **options):
        return system_calls.draw(read_experiment(synthetic.write_system_calls(self.results, **options)))

    def test_a_row_of_panels_for_each_number_of_connections(self):
        titles = [axes.get_title("left") for axes in self.draw().axes]
        self.assertEqual(
            titles,
            [
                "System calls for each request, 1 connection",
                "Context switches, 1 connection",
                "System calls for each request, 20 connections",
                "Context switches, 20 connections",
            ],
        )

    def test_bars_are_stacked_and_their_sum_is_written(self):
        left = self.draw().axes[2]
        servers = [label.get_text() for label in left.get_yticklabels()]
        self.assertEqual(servers, ["thread-per-connection", "nonblocking-loop", "epoll", "python3 echo.py"])
        row = servers.index("epoll")
        bars = [bar for bar in left.patches if round(bar.get_y() + bar.get_height() / 2) == row]
        self.assertEqual(
            [(round(bar.get_x(), 3), round(bar.get_width(), 3)) for bar in bars], [(0, 1), (1, 1), (2, 0.06)]
        )
        self.assertIn("2.06", [text.get_text() for text in left.texts])

    def test_what_has_no_colour_is_other(self):
        figure = self.draw()
        self.assertEqual(legend_of(figure.axes[1]), ["recvfrom", "sendto", "epoll_wait", "accept4", "other"])
        experiment = read_experiment(self.results / "system-calls")
        runs = [run for run in experiment.runs if (run.server, run.connections) == ("python3 echo.py", 1)]
        self.assertEqual(system_calls.calls_of(experiment, runs), {"epoll_wait": 1, "other": 2.5})

    def test_a_bar_far_beyond_all_others_is_cut_off(self):
        self.assertEqual(system_calls.limit_of([2, 3, 14]), 3 * 1.8)
        self.assertEqual(system_calls.limit_of([2, 3, 4]), 4 * 1.2)
        self.assertEqual((system_calls.limit_of([]), system_calls.limit_of([0, 0])), (1, 1))
        self.assertIn("14.00 →", [text.get_text() for text in self.draw().axes[0].texts])

    def test_switches_are_those_of_the_timed_run(self):
        right = self.draw().axes[3]
        self.assertEqual([bar.get_width() for bar in right.patches], [1.1, 0, 0.1, 0.2])

    def test_the_title_names_the_fewest_and_the_most(self):
        self.assertEqual(
            self.draw()._suptitle.get_text(),
            "System calls a request, 20 busy connections: 2 (thread-per-connection) to 5.2 (nonblocking-loop)",
        )

    def test_a_count_that_lacks_waits_says_what_is_certain(self):
        self.assertEqual(system_calls.lacking_waits({"recvfrom": 1, "epoll_wait": 0.02}, 1.0), 0.98)
        self.assertEqual(system_calls.lacking_waits({"recvfrom": 1, "epoll_wait": 1}, 1.05), 0)
        self.assertEqual(system_calls.lacking_waits({"recvfrom": 1}, 1.0), 0)  # it sleeps in recv
        self.assertEqual(system_calls.lacking_waits({"epoll_wait": 1}, None), 0)

    def test_invalid_rows_are_hatched_and_not_in_the_title(self):
        experiment = read_experiment(synthetic.write_system_calls(self.results))
        runs = [
            run._replace(valid=False, invalid_reason="starved") if run.server == "nonblocking-loop" else run
            for run in experiment.runs
        ]
        figure = system_calls.draw(Experiment(experiment.folder, runs, experiment.environment))
        self.assertNotIn("nonblocking-loop", figure._suptitle.get_text())
        hatched = {
            round(bar.get_y() + bar.get_height() / 2) for bar in figure.axes[0].patches if bar.get_hatch()
        }
        self.assertEqual(hatched, {1})
        self.assertIn("14.00 → (invalid)", [text.get_text() for text in figure.axes[0].texts])
        self.assertIn("Hatched: no repetition", words_of(figure))

    def test_without_strace(self):
        figure = self.draw(counted=False)
        self.assertTrue(figure._suptitle.get_text().startswith("System calls weren't counted"))
        self.assertEqual({text.get_text() for text in figure.axes[0].texts}, {"not counted"})
        self.assertEqual(len(figure.axes[1].patches), len(synthetic.CALLS))

    def test_a_broken_sample_file_is_named(self):
        experiment = read_experiment(synthetic.write_system_calls(self.results))
        (experiment.folder / experiment.runs[0].samples_file).write_text("call,per_request\nsendto,often\n")
        with self.assertRaisesRegex(
            RecordsError, "0-c1-r1.csv: line 2: column 'per_request': 'often' is not a number"
        ):
            system_calls.draw(experiment)

    def test_footer(self):
        words = words_of(self.draw())
        self.assertIn("counted by strace in a run of its own", words)
        self.assertIn("n = 1 repetition a point", words)

    def test_nothing_covers_the_data(self):
        self.assert_apart(self.draw())


if __name__ == "__main__":
    unittest.main()
