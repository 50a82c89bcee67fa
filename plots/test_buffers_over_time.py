"""Queues and progress of a fast writer and a slow reader."""

import tempfile
import unittest
from pathlib import Path

from matplotlib.colors import to_hex

from plots import buffers_over_time, synthetic
from plots.__main__ import save
from plots.buffers_over_time import Queues, thinned
from plots.records import RecordsError, read_experiment

# A writer that sends 1000 bytes, waits twice, and leaves 300 bytes in its queue.
WRITER, READER = "fast-writer", "slow-reader"
SMALL = [
    (WRITER, 0, "connected", 100),
    (READER, 0, "connected", 100),
    (WRITER, 100_000_000, "blocked_begin", 600),
    (WRITER, 100_000_000, "siocoutq", 450),
    (WRITER, 100_000_000, "siocoutqnsd", 400),
    (WRITER, 100_000_000, "accepted", 600),
    (READER, 110_000_000, "siocinq", 150),
    (READER, 110_000_000, "read", 0),
    (READER, 110_000_000, "peer_siocoutq", 450),
    (WRITER, 300_000_000, "blocked_end", 600),
    (WRITER, 300_500_000, "blocked_begin", 800),
    (WRITER, 400_500_000, "blocked_end", 800),
    (WRITER, 401_000_000, "finished", 1000),
    (WRITER, 402_000_000, "siocoutq", 500),
    (WRITER, 402_000_000, "siocoutqnsd", 500),
    (WRITER, 402_000_000, "accepted", 1000),
    (WRITER, 403_000_000, "closed", 1000),
    (READER, 500_000_000, "siocinq", 100),
    (READER, 500_000_000, "read", 600),
    (READER, 500_000_000, "peer_siocoutq", 400),
    (READER, 901_000_000, "end_of_stream", 1000),
    (READER, 902_000_000, "siocinq", 0),
    (READER, 902_000_000, "read", 1000),
    (WRITER, 902_000_000, "other_work", 0),
]


def areas(axes) -> dict:
    """The areas of a panel: from their name to the corners, as (time, bytes)."""
    return {
        one.get_label()[1:]: [tuple(corner) for corner in one.get_paths()[0].vertices]
        for one in axes.collections
        if one.get_label()[1:] in Queues._fields
    }


def spans(axes) -> list[tuple[float, float]]:
    """The shaded spans of a panel."""
    (found,) = [one for one in axes.collections if one.get_label() == "_waits"]
    return [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in found.get_paths()]


def curve(axes, name: str) -> list[tuple[float, float]]:
    """The corners of a line."""
    (line,) = [one for one in axes.get_lines() if one.get_label() == f"_{name}"]
    return list(zip(line.get_xdata(), line.get_ydata()))


class BuffersOverTime(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def experiment(self, transfers=synthetic.TRANSFERS):
        return read_experiment(synthetic.write_slow_reader(self.results, transfers))

    def draw(self, transfers=synthetic.TRANSFERS):
        return buffers_over_time.draw(self.experiment(transfers))

    def timeline(self, events):
        experiment = self.experiment({"set-buffers": events})
        return buffers_over_time.read_timeline(experiment, experiment.runs[0])

    def test_a_pair_of_panels_a_scenario_on_one_time_axis(self):
        figure = self.draw({"another": SMALL, **dict(reversed(synthetic.TRANSFERS.items()))})
        self.assertEqual(
            [axes.get_title("left").split(":")[0] for axes in figure.axes],
            ["default-buffers", "", "set-buffers", "", "writable-events", "", "another", ""],
        )
        self.assertEqual(
            [axes.get_ylabel() for axes in figure.axes], ["bytes in the kernel", "bytes\nso far"] * 4
        )
        self.assertEqual({axes.get_xlim() for axes in figure.axes}, {figure.axes[0].get_xlim()})
        self.assertEqual(figure.axes[-1].get_xlabel(), "time since the start of the run (s)")
        self.assertEqual(figure.axes[0].yaxis.get_major_formatter()(262_144), "256 KiB")

    def test_the_words_follow_from_the_events(self):
        titles = [axes.get_title("left") for axes in self.draw().axes[::2]]
        self.assertEqual(
            titles[0], "default-buffers: 586 KiB absorbed before send waited; blocked 2 times, 400 ms in all"
        )
        self.assertRegex(
            titles[1], r"^set-buffers: 87.9 KiB absorbed before send waited; blocked 31 times, \d+ ms in all$"
        )
        self.assertRegex(
            titles[2],
            "^writable-events: 87.9 KiB absorbed, then no room 31 times, .* 12,345 units of other work",
        )
        self.assertEqual(
            buffers_over_time.lesson(self.timeline(SMALL)),
            "600 B absorbed before send waited; blocked 2 times, 300 ms in all",
        )
        never = [event for event in SMALL if not event[2].startswith("blocked")]
        self.assertEqual(
            buffers_over_time.lesson(self.timeline(never)),
            "all 0.98 KiB were absorbed, send never had to wait",
        )

    def test_times_in_words(self):
        for seconds, words in (
            (0.0031, "3.1 ms"),
            (0.15, "150 ms"),
            (0.9996, "1.0 s"),
            (2.06, "2.1 s"),
            (12.3, "12 s"),
        ):
            self.assertEqual(buffers_over_time.in_words(seconds), words)

    def test_each_sample_is_a_stack_with_what_the_other_end_said_last(self):
        self.assertEqual(
            self.timeline(SMALL).queues,
            [
                Queues(0.1, unread=0, in_flight=50, unsent=400, left=0),
                Queues(0.11, unread=150, in_flight=50, unsent=400, left=0),
                Queues(0.402, unread=150, in_flight=0, unsent=500, left=0),
                # The writer has ended: what it left is what was accepted, and is neither read nor unread.
                Queues(0.5, unread=100, in_flight=0, unsent=0, left=300),
                Queues(0.902, unread=0, in_flight=0, unsent=0, left=0),
            ],
        )

    def test_a_send_between_the_two_parts_of_a_sample_is_not_drawn_below_zero(self):
        events = [event if event[2] != "siocoutqnsd" else (*event[:3], 700) for event in SMALL]
        self.assertEqual({row.in_flight for row in self.timeline(events).queues}, {0})

    def test_the_areas_lie_on_one_another(self):
        found = areas(self.draw({"set-buffers": SMALL}).axes[0])
        self.assertEqual(list(found), ["unread", "in_flight", "unsent", "left"])
        for area, corners in {
            "unread": [(0.11, 0), (0.11, 150)],
            "in_flight": [(0.11, 150), (0.11, 200)],
            "unsent": [(0.11, 200), (0.11, 600)],
            "left": [(0.5, 100), (0.5, 400)],
        }.items():
            for corner in corners:
                self.assertIn(corner, found[area])
        without = areas(
            self.draw(
                {
                    "set-buffers": [
                        event for event in SMALL if event[2] != "siocinq" or event[1] == 902_000_000
                    ]
                }
            ).axes[0]
        )
        self.assertNotIn("unread", without)

    def test_lines_from_the_samples_and_the_exact_events(self):
        progress = self.draw({"set-buffers": SMALL}).axes[1]
        self.assertEqual(
            curve(progress, "accepted"),
            [(0.1, 600), (0.1, 600), (0.3, 600), (0.3005, 800), (0.4005, 800), (0.401, 1000), (0.402, 1000)],
        )
        self.assertEqual(curve(progress, "read"), [(0.11, 0), (0.5, 600), (0.901, 1000), (0.902, 1000)])

    def test_spans_without_room_and_the_ends_in_both_panels(self):
        figure = self.draw({"set-buffers": SMALL})
        for axes in figure.axes:
            self.assertEqual(spans(axes), [(0.1, 0.3), (0.3005, 0.4005)])
            ends = [line.get_xdata()[0] for line in axes.get_lines() if line.get_label() == "_end"]
            self.assertEqual(ends, [0.401, 0.901])
        self.assertEqual(
            [text.get_text() for text in figure.axes[0].texts],
            ["writer finished,\n500 ms before the reader", "reader\nfinished"],
        )
        self.assertEqual(len(spans(self.draw().axes[3])), 31)

    def test_thinning_keeps_the_ends_and_the_extremes(self):
        rows = [(number / 1000, 50) for number in range(10_000)]
        rows[4321], rows[4323] = (4.321, 99), (4.323, 1)
        kept = thinned(rows, lambda row: row[1], 100)
        self.assertLessEqual(len(kept), 202)
        self.assertEqual(kept, sorted(kept))
        for row in (rows[0], rows[-1], rows[4321], rows[4323]):
            self.assertIn(row, kept)
        self.assertEqual(thinned(rows[:200], lambda row: row[1], 100), rows[:200])

    def test_more_waits_than_can_be_told_apart_are_one_where_the_writer_hardly_runs(self):
        self.assertEqual(buffers_over_time.merged([(0, 1), (1.1, 2), (3, 4), (4, 5)], 0.5), [(0, 2), (3, 5)])
        self.assertEqual(buffers_over_time.merged([(0, 1), (1, 2)], 0), [(0, 1), (1, 2)])
        many = synthetic.transfer_events(9_000, total=2_000_000)
        waits = self.timeline(many).waits
        self.assertGreater(len(waits), 300)
        self.assertEqual(spans(self.draw({"set-buffers": many}).axes[0]), [(waits[0][0], waits[-1][1])])

    def test_a_long_run_makes_no_large_file(self):
        long = synthetic.transfer_events(90_000, total=60_000_000)
        self.assertGreater(len(long), 50_000)
        svg, _ = save_to(self.results, self.draw(dict.fromkeys(synthetic.TRANSFERS, long)))
        self.assertLess(svg.stat().st_size, 1_000_000)

    def test_nothing_is_written_over_anything(self):
        # The second writer is done at once, as if nothing was in its way; the third only just before its reader.
        others = {
            "set-buffers": synthetic.transfer_events(600_000, total=500_000),
            "writable-events": synthetic.transfer_events(15_000),
        }
        for transfers in (synthetic.TRANSFERS, {**synthetic.TRANSFERS, **others}):
            figure = self.draw(transfers)
            figure.draw_without_rendering()
            legend = figure.axes[0].get_legend().get_window_extent()
            self.assertLess(legend.x1, figure.bbox.width)
            self.assertLess(legend.y1, figure._suptitle.get_window_extent().y0)
            self.assertLess(figure.axes[0]._left_title.get_window_extent().y1, legend.y0)
            for axes in figure.axes:
                self.assertLess(axes._left_title.get_window_extent().x1, figure.bbox.width)
                words = [text.get_window_extent() for text in axes.texts]
                for text in words:
                    self.assertGreater(text.x0, axes.get_window_extent().x0)
                    self.assertLess(text.x1, figure.bbox.width)
                self.assertFalse(len(words) == 2 and words[0].overlaps(words[1]))

    def test_the_legend_names_each_colour_once(self):
        legend = self.draw().axes[0].get_legend()
        words = [text.get_text() for text in legend.get_texts()]
        self.assertEqual(len(words), len(set(words)))
        for phrase in (
            "left by the writer",
            "not sent",
            "not acknowledged",
            "unread",
            "accepted",
            "read by",
            "no room",
        ):
            self.assertTrue(any(phrase in text for text in words), phrase)
        colours = {
            to_hex(colour)
            for colour, *_ in (*buffers_over_time._AREAS.values(), *buffers_over_time._LINES.values())
        }
        self.assertEqual(len(colours), 6)

    def test_footer(self):
        words = " ".join(text.get_text() for text in self.draw().texts)
        self.assertIn("2,000 messages of 500 bytes", words)
        self.assertIn("kernel 6.18.0", words)

    def test_broken_samples_are_named(self):
        for missing in (
            "siocoutq",
            "siocoutqnsd",
            "accepted",
            "finished",
            "closed",
            "siocinq",
            "read",
            "end_of_stream",
        ):
            with self.assertRaisesRegex(RecordsError, f"set-buffers-c1-r1.csv: no '{missing}'"):
                self.timeline([event for event in SMALL if event[2] != missing])
        with self.assertRaisesRegex(RecordsError, "'blocked_begin' and 'blocked_end' are no pairs"):
            self.timeline([event for event in SMALL if event[1:3] != (300_000_000, "blocked_end")])
        with self.assertRaisesRegex(RecordsError, "column 'program': 'harness' is neither"):
            self.timeline([*SMALL, ("harness", 1, "read", 1)])
        with self.assertRaisesRegex(RecordsError, "line 2: column 'value': 'much' is not a whole number"):
            self.timeline([(WRITER, 0, "connected", "much"), *SMALL])


def save_to(folder: Path, figure) -> list[Path]:
    return save(figure, folder, buffers_over_time.CHART)


if __name__ == "__main__":
    unittest.main()
