"""The ribbon of sends, reads and messages."""

import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from plots import byte_ribbon, synthetic
from plots.records import RecordsError, read_experiment
from plots.style import MESSAGE_COLOURS


def blocks(axes, *kinds: str) -> list[tuple[int, float, float, str]]:
    """Row, first byte, bytes and colour of the blocks of these kinds, in the order of the stream."""
    found = [
        (
            round(one.get_y() + one.get_height() / 2),
            one.get_x(),
            one.get_width(),
            to_hex(one.get_edgecolor() if kinds == ("header",) else one.get_facecolor()).upper(),
        )
        for one in axes.patches
        if isinstance(one, Rectangle) and one.get_label()[1:] in kinds
    ]
    return sorted(found)


def lines(axes, label: str) -> list[float]:
    """Where the vertical lines of a kind stand."""
    return [line.get_xdata()[0] for line in axes.get_lines() if line.get_label() == label]


class ByteRibbon(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def experiment(self, ribbons=synthetic.RIBBONS):
        return read_experiment(synthetic.write_byte_ribbon(self.results, ribbons))

    def draw(self, ribbons=synthetic.RIBBONS):
        return byte_ribbon.draw(self.experiment(ribbons))

    def lesson(self, rows: Sequence[tuple]) -> str:
        experiment = self.experiment({"sticky": rows})
        return byte_ribbon.lesson(byte_ribbon.read_ribbon(experiment, experiment.runs[0]))

    def test_a_panel_a_scenario_in_the_order_of_the_lesson(self):
        figure = self.draw(dict(reversed(synthetic.RIBBONS.items())))
        self.assertEqual(
            [axes.get_title("left") for axes in figure.axes],
            [
                "sticky: 2 sends, 1 read: 2 messages stick together",
                "split: 2 sends, 4 reads: 2 messages cut by reads, 1 read with bytes of more than one message",
                "framed: 3 sends, 6 reads: 3 messages cut by reads, 3 messages decoded whole",
            ],
        )
        self.assertEqual({axes.get_xlim() for axes in figure.axes}, {figure.axes[0].get_xlim()})
        self.assertEqual(figure.axes[-1].get_xlabel(), "byte of the stream")

    def test_the_words_follow_from_the_bytes(self):
        messages = [("message", 0, 10, 1), ("message", 10, 10, 2)]
        sent = [("sent", 0, 20, "")]
        self.assertEqual(
            self.lesson([*messages, *sent, ("read", 0, 10, ""), ("read", 10, 10, "")]),
            "1 send, 2 reads: each read happens to be one message",
        )
        self.assertEqual(
            self.lesson([*messages, *sent, ("read", 0, 10, ""), ("read", 10, 4, ""), ("read", 14, 6, "")]),
            "1 send, 3 reads: 1 message cut by reads",
        )
        self.assertEqual(
            self.lesson(
                [
                    *messages,
                    ("message", 20, 5, 3),
                    ("sent", 0, 25, ""),
                    ("read", 0, 20, ""),
                    ("read", 20, 5, ""),
                ]
            ),
            "1 send, 2 reads: 1 read with bytes of more than one message",
        )
        whole = [
            ("header", 0, 4, 1),
            ("message", 4, 6, 1),
            ("decoded", 4, 6, 1),
            ("sent", 0, 10, ""),
            ("read", 0, 10, ""),
        ]
        self.assertEqual(self.lesson(whole), "1 send, 1 read: 1 message decoded whole")

    def test_each_call_shows_the_colours_of_its_messages(self):
        sticky, split, _ = self.draw().axes
        one, two = MESSAGE_COLOURS[:2]
        self.assertEqual(
            blocks(sticky, "message"), [(0, 0, 14, one), (0, 14, 14, two), (1, 0, 14, one), (1, 14, 14, two)]
        )
        self.assertEqual([block[:3] for block in blocks(sticky, "sent")], [(0, 0, 14), (0, 14, 14)])
        self.assertEqual([block[:3] for block in blocks(sticky, "read")], [(1, 0, 28)])
        self.assertEqual(
            [block for block in blocks(split, "message") if block[0] == 1],
            [(1, 0, 24, one), (1, 24, 16, one), (1, 40, 8, two), (1, 48, 24, two), (1, 72, 8, two)],
        )

    def test_messages_have_their_numbers_so_that_nothing_depends_on_colour(self):
        sticky = self.draw().axes[0]
        numbers = [text.get_text() for text in sticky.texts if text.get_label() != "_bytes"]
        self.assertEqual(numbers, ["1", "2", "1", "2"])
        self.assertEqual(
            [text.get_text() for text in sticky.texts if text.get_label() == "_bytes"],
            ["14 B", "14 B", "28 B"],
        )

    def test_lines_stand_where_reads_cut_messages(self):
        sticky, split, framed = self.draw().axes
        self.assertEqual(lines(sticky, "_cut"), [])
        self.assertEqual(lines(split, "_cut"), [24, 48, 72])
        self.assertEqual(lines(framed, "_cut"), [10, 20, 30, 40, 50])
        even = [
            ("message", 0, 10, 1),
            ("message", 10, 10, 2),
            ("sent", 0, 20, ""),
            ("read", 0, 10, ""),
            ("read", 10, 10, ""),
        ]
        self.assertEqual(lines(self.draw({"split": even}).axes[0], "_cut"), [])

    def test_a_read_that_ends_between_header_and_message_cuts_too(self):
        rows = [
            ("header", 0, 4, 1),
            ("message", 4, 6, 1),
            ("sent", 0, 10, ""),
            ("read", 0, 4, ""),
            ("read", 4, 6, ""),
        ]
        self.assertEqual(lines(self.draw({"framed": rows}).axes[0], "_cut"), [4])

    def test_headers_stand_apart_and_what_was_decoded_is_a_third_row(self):
        sticky, _, framed = self.draw().axes
        self.assertEqual(
            [label.get_text() for label in sticky.get_yticklabels()], ["client sends", "server reads"]
        )
        self.assertEqual(
            [label.get_text() for label in framed.get_yticklabels()],
            ["client sends", "server reads", "decoder gives out"],
        )
        headers = [block for block in blocks(framed, "header") if block[0] == 0]
        self.assertEqual(headers, [(0, 18 * number, 4, MESSAGE_COLOURS[number]) for number in range(3)])
        hatched = {bool(one.get_hatch()) for one in framed.patches if one.get_label() == "_header"}
        self.assertEqual(hatched, {True})
        self.assertFalse([block for block in blocks(framed, "header") if block[0] == 2])
        self.assertEqual(
            [block[:3] for block in blocks(framed, "decoded")], [(2, 4, 14), (2, 22, 14), (2, 40, 14)]
        )

    def test_the_legend_names_only_what_is_there(self):
        def words(figure):
            return " | ".join(text.get_text() for text in figure.axes[0].get_legend().get_texts())

        self.assertRegex(words(self.draw()), "message.*one call.*header.*ends inside")
        alone = words(self.draw({"sticky": synthetic.RIBBONS["sticky"]}))
        self.assertNotIn("header", alone)
        self.assertNotIn("ends inside", alone)

    def test_nothing_is_written_over_the_edge(self):
        figure = self.draw()
        figure.draw_without_rendering()
        width = figure.bbox.width
        legend = figure.axes[0].get_legend().get_window_extent()
        self.assertLess(legend.x1, width)
        self.assertLess(legend.y1, figure._suptitle.get_window_extent().y0)
        for axes in figure.axes:
            self.assertLess(axes._left_title.get_window_extent().x1, width)
            self.assertLess(axes._left_title.get_window_extent().y1, legend.y0 + 1)

    def test_footer(self):
        words = " ".join(text.get_text() for text in self.draw().texts)
        self.assertIn("The reader is late", words)
        self.assertIn("kernel 6.18.0", words)

    def test_broken_samples_are_named(self):
        with self.assertRaisesRegex(
            RecordsError, "sticky-c1-r1.csv: column 'kind': 'lost' is none of sent, read"
        ):
            self.draw({"sticky": [*synthetic.RIBBONS["sticky"], ("lost", 0, 1, "")]})
        with self.assertRaisesRegex(RecordsError, "sticky-c1-r1.csv: no 'read'"):
            self.draw({"sticky": synthetic.RIBBONS["sticky"][:-1]})
        folder = synthetic.write_experiment(
            self.results, "byte-ribbon", [synthetic.run_cells("byte-ribbon", "sticky", 1, 1)]
        )
        with self.assertRaisesRegex(RecordsError, "line 2: column 'samples_file' is empty"):
            byte_ribbon.draw(read_experiment(folder))


if __name__ == "__main__":
    unittest.main()
