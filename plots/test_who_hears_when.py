"""The timeline of a chat room's lines."""

import tempfile
import unittest
from pathlib import Path

from matplotlib.colors import to_hex

from plots import synthetic, who_hears_when
from plots.records import RecordsError, read_experiment
from plots.style import PROMPT_GREY, server_style
from plots.test_head_of_line import bars


class WhoHearsWhen(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def experiment(self, **cells):
        return read_experiment(synthetic.write_chat_fan_out(self.results, **cells))

    def draw(self, **cells):
        return who_hears_when.draw(self.experiment(**cells))

    def test_a_panel_a_room_that_says_who_waited_and_what_the_silent_one_found(self):
        figure = self.draw()
        self.assertEqual(
            [axes.get_title("left") for axes in figure.axes],
            [
                "chat-wait: who reads waits 900 ms at most; who doesn't: 40 lines whole",
                "chat-forget: who reads waits 1.09 ms at most; who doesn't: 40 lines whole, 2 torn, 58 lost without a word",
                "chat-drop: who reads waits 1.09 ms at most; who doesn't: 40 lines whole, told of 60 dropped",
            ],
        )
        self.assertEqual(len({axes.get_xlim() for axes in figure.axes}), 1)
        self.assertEqual(figure.axes[-1].get_xlabel(), "time since the first line (s)")

    def test_who_is_cut_off(self):
        self.assertIn("told that he is cut off", self.draw(silent_cut_off=1).axes[0].get_title("left"))

    def test_a_row_a_listener_and_the_silent_one_is_named(self):
        axes = self.draw().axes[0]
        self.assertEqual([text.get_text() for text in axes.get_yticklabels()], [""] * 9 + ["doesn't read"])
        ((row, start, end),) = bars(axes, "_silence")
        self.assertEqual((row, start), (10, 0))
        self.assertAlmostEqual(end, 1.1)

    def test_waiting_has_the_rooms_colour_and_prompt_lines_are_grey(self):
        wait, _, drop = self.draw().axes
        waits = {row: (start, end) for row, start, end in bars(wait, "_long")}
        self.assertEqual(sorted(waits), list(range(1, 11)))
        for listener in range(1, 10):
            self.assertAlmostEqual(waits[listener][0], 0.2)  # the twenty-first line
            self.assertAlmostEqual(waits[listener][1], 1.101, places=3)
        self.assertAlmostEqual(waits[10][0], 1.1)  # he has not waited for anybody
        self.assertEqual({row for row, *_ in bars(drop, "_long")}, {10})
        self.assertEqual(len([row for row, *_ in bars(drop, "_prompt") if row == 3]), 100)
        colours = {
            one.get_label(): to_hex(one.get_facecolor()[0]).upper()
            for one in wait.collections
            if len(one.get_paths())
        }
        self.assertEqual(colours["_long"], server_style("chat-wait").colour)
        self.assertEqual(colours["_prompt"], PROMPT_GREY)

    def test_a_line_that_a_reader_never_heard_is_a_cross(self):
        wait, forget, _ = self.draw().axes
        (cross,) = [line for line in forget.get_lines() if line.get_label() == "_never"]
        self.assertEqual((list(cross.get_xdata()), list(cross.get_ydata())), ([0.04], [1]))
        self.assertNotIn("_never", [line.get_label() for line in wait.get_lines()])

    def test_bars_that_touch_become_one(self):
        self.assertEqual(who_hears_when.merged([(3, 4), (0, 1), (0.5, 2)]), [(0, 2), (3, 4)])
        self.assertEqual(who_hears_when.merged([(0, 1), (3, 4)], 3), [(0, 6)])

    def test_an_invalid_run_says_why_below(self):
        figure = self.draw(valid="no", invalid_reason="stolen time")
        self.assertTrue(figure.axes[0].get_title("left").endswith("(invalid)"))
        self.assertIn("Invalid: chat-wait: stolen time; ", " ".join(text.get_text() for text in figure.texts))

    def test_samples_that_contradict_themselves_are_named(self):
        experiment = self.experiment()
        samples = experiment.folder / experiment.runs[0].samples_file
        header = "event,listener,line,time_us\n"
        for text, phrase in (
            (header, "chat-wait-c10-r1.csv: holds no event"),
            (header + "heard,1,7,5\n", "listener 1 heard line 7, and one of them there isn't"),
            (
                header + "intended,,7,0\nheard,11,7,5\n",
                "listener 11 heard line 7, and one of them there isn't",
            ),
            (header + "intended,,7,soon\n", "line 2: column 'time_us': 'soon' is not a number"),
        ):
            samples.write_text(text)
            with self.assertRaisesRegex(RecordsError, phrase):
                who_hears_when.draw(experiment)

    def test_large_rooms_alone_are_no_timeline(self):
        folder = synthetic.write_chat_fan_out(self.results)
        rows = (folder / "runs.csv").read_text().splitlines(keepends=True)
        (folder / "runs.csv").write_text("".join([rows[0], rows[2]]))
        with self.assertRaisesRegex(RecordsError, "no room has 30 listeners or fewer"):
            who_hears_when.draw(read_experiment(folder))

    def test_nothing_is_written_over_anything(self):
        figure = self.draw(valid="no", invalid_reason="stolen time")
        figure.draw_without_rendering()
        legend = figure.axes[0].get_legend().get_window_extent()
        self.assertLess(legend.y1, figure._suptitle.get_window_extent().y0)
        self.assertGreater(legend.y0, figure.axes[0]._left_title.get_window_extent().y1)
        for axes in figure.axes:
            self.assertLess(axes._left_title.get_window_extent().x1, figure.bbox.width)


if __name__ == "__main__":
    unittest.main()
