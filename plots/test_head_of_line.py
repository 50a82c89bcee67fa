"""The timeline of every client's requests."""

import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

from matplotlib.colors import to_hex

from plots import head_of_line, synthetic
from plots.records import RecordsError, Request, read_experiment
from plots.style import PROMPT_GREY, server_style


def bars(axes, label: str) -> list[tuple[float, float, float]]:
    """Row, start and end (in seconds) of the bars of one kind."""
    extents = [
        path.get_extents() for one in axes.collections if one.get_label() == label for path in one.get_paths()
    ]
    return [(round(extent.y0 + extent.height / 2), extent.x0, extent.x1) for extent in extents]


class HeadOfLine(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def draw(self, **options):
        return head_of_line.draw(read_experiment(synthetic.write_head_of_line(self.results, **options)))

    def draw_requests(self, requests: Sequence[tuple], **cells):
        path = synthetic.write_requests(self.results / "head-of-line", "epoll", requests)
        line = synthetic.run_cells("head-of-line", "epoll", 8, 1, duration_s=3, samples_file=path, **cells)
        folder = synthetic.write_experiment(self.results, "head-of-line", [line])
        return head_of_line.draw(read_experiment(folder))

    def test_who_waits_has_a_panel_and_all_others_a_row_each(self):
        figure = self.draw()
        waiting, prompt = figure.axes
        self.assertEqual(waiting.get_title("left"), "blocking-loop: longest wait 1,999 ms")
        self.assertEqual([label.get_text() for label in prompt.get_yticklabels()], list(synthetic.SERVERS))
        self.assertEqual([text.get_text() for text in prompt.texts], ["longest wait 0.2 ms"] * 4)
        self.assertEqual({row for row, _, _ in bars(prompt, "_prompt")}, {0, 1, 2, 3})
        self.assertEqual(waiting.get_xlim(), prompt.get_xlim())
        self.assertEqual(prompt.get_xlabel(), "time since the start of the run (s)")
        self.assertAlmostEqual(waiting.get_xlim()[1], 3, places=2)

    def test_the_title_is_the_finding(self):
        self.assertEqual(
            self.draw()._suptitle.get_text(),
            "One silent client: behind blocking-loop all wait for up to 1,999 ms; "
            "behind the others nobody waits longer than 0.2 ms",
        )
        self.assertEqual(
            self.draw(servers=("epoll",))._suptitle.get_text(),
            "One client says nothing: nobody waits longer than 0.2 ms",
        )

    def test_a_row_a_client_with_the_silent_one_on_top(self):
        axes = self.draw(servers=("blocking-loop",)).axes[0]
        self.assertEqual(
            [text.get_text() for text in axes.get_yticklabels()],
            ["silent client", *(f"client {number}" for number in range(1, 8))],
        )
        bottom, top = axes.get_ylim()
        self.assertGreater(bottom, top)

    def test_long_waits_have_the_colour_of_the_server_and_prompt_ones_are_grey(self):
        blocked, epoll = self.draw(servers=("blocking-loop", "epoll")).axes
        waits = bars(blocked, "_long")
        self.assertEqual([row for row, _, _ in waits], [1, 2, 3, 4, 5, 6, 7])
        self.assertTrue(all(start < 0.01 and abs(end - 2) < 0.01 for _, start, end in waits))
        self.assertEqual(bars(epoll, "_long"), [])
        colours = {one.get_label(): to_hex(one.get_facecolor()[0]).upper() for one in blocked.collections}
        self.assertEqual(colours["_long"], server_style("blocking-loop").colour)
        self.assertEqual(colours["_prompt"], PROMPT_GREY)

    def test_a_wait_that_is_short_against_the_silence_gets_no_panel(self):
        """On a busy machine anybody waits now and then; it shows in the server's row."""
        (axes,) = self.draw_requests([(0, 0, 2e6, 2.0001e6), (1, 0, 1e6, 1.2e6)]).axes
        self.assertEqual(axes.get_title("left"), "Nobody waits: all clients of a server in one row")
        self.assertEqual(bars(axes, "_long"), [(0, 1.0, 1.2)])

    def test_each_prompt_request_is_a_bar_that_can_be_seen(self):
        requests = [(0, 0, 2e6, 2.0001e6), (1, 0, 1e6, 1.00002e6), (1, 1, 1.5e6, 1.50002e6)]
        axes = self.draw_requests(requests).axes[0]
        prompt = bars(axes, "_prompt")
        self.assertEqual(len(prompt), 3)
        self.assertEqual({row for row, _, _ in prompt}, {0})
        self.assertTrue(all(end - start >= 0.99 * 3 * head_of_line.LEAST_VISIBLE for _, start, end in prompt))

    def test_bars_that_touch_become_one(self):
        close = [Request(1, number, 100.0 * number, 100.0 * number + 60) for number in range(1000)]
        self.assertEqual(head_of_line.prompt_bars(close, 150), [(0, 99_900 + 150)])
        self.assertEqual(len(head_of_line.prompt_bars(close, 99)), 1000)

    def test_silence_is_shaded_and_said(self):
        axes = self.draw(servers=("blocking-loop",)).axes[0]
        ((row, start, end),) = bars(axes, "_silence")
        self.assertEqual((row, start), (0, 0))
        self.assertAlmostEqual(end, 2.0003)
        self.assertEqual([text.get_text() for text in axes.texts], ["silent until 2 s"])

    def test_a_client_that_never_speaks(self):
        axes = self.draw_requests([(1, 0, 1e6, 1.9e6)]).axes[0]
        self.assertEqual([text.get_text() for text in axes.texts], ["silent to the end"])

    def test_a_request_without_answer_goes_to_the_end_with_an_x(self):
        figure = self.draw_requests([(0, 0, 2e6, 2.1e6), (3, 0, 1e6, "")], timeouts=1)
        axes = figure.axes[0]
        self.assertIn((3, 1.0, 3.0), bars(axes, "_long"))
        (cross,) = [line for line in axes.get_lines() if line.get_label() == "_unanswered"]
        self.assertEqual(cross.get_marker(), "x")
        self.assertEqual((list(cross.get_xdata()), list(cross.get_ydata())), ([3], [3]))
        self.assertEqual(axes.get_title("left"), "epoll: longest wait 100 ms, 1 never answered (1 timeouts)")
        self.assertIn("never answered", [text.get_text() for text in axes.get_legend().get_texts()])

    def test_an_invalid_run_says_why(self):
        figure = self.draw_requests([(0, 0, 2e6, 2.1e6)], valid="no", invalid_reason="stolen time")
        self.assertIn(
            "longest wait 100 ms (invalid: stolen time)", [text.get_text() for text in figure.axes[0].texts]
        )

    def test_the_first_repetition_is_drawn(self):
        experiment = read_experiment(synthetic.write_head_of_line(self.results))
        self.assertEqual({run.repetition for run in experiment.runs}, {1, 2, 3})
        self.assertEqual([run.repetition for run in head_of_line.first_repetitions(experiment)], [1] * 5)

    def test_no_samples_at_all_is_told(self):
        lines = [synthetic.run_cells("head-of-line", "epoll", 8, 1)]
        experiment = read_experiment(synthetic.write_experiment(self.results, "head-of-line", lines))
        with self.assertRaisesRegex(RecordsError, "column 'samples_file' is empty"):
            head_of_line.draw(experiment)

    def test_legend_lies_between_title_and_panels(self):
        figure = self.draw()
        figure.draw_without_rendering()
        legend = figure.axes[0].get_legend().get_window_extent()
        self.assertLess(legend.y1, figure._suptitle.get_window_extent().y0)
        self.assertGreater(legend.y0, figure.axes[0]._left_title.get_window_extent().y1)

    def test_footer(self):
        words = "\n".join(text.get_text() for text in self.draw().texts)
        self.assertIn("n = 3 repetitions", words)
        self.assertIn("kernel 6.18.0", words)


if __name__ == "__main__":
    unittest.main()
