"""Colours, units and axes."""

import csv
import unittest
from pathlib import Path

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from plots import style


class Style(unittest.TestCase):
    def setUp(self):
        self.axes = Figure().subplots()

    def test_no_two_servers_look_the_same(self):
        looks = [style.server_style(server) for server in style._SERVERS]
        self.assertEqual(len({look.colour for look in looks}), len(looks))
        self.assertEqual(len({look.marker for look in looks}), len(looks))

    def test_a_colour_is_dark_enough_on_white(self):
        for server in style._SERVERS:
            red, green, blue = to_rgb(style.server_style(server).colour)
            self.assertLess(0.2126 * red + 0.7152 * green + 0.0722 * blue, 0.8, server)

    def test_messages_and_scenarios_differ_in_colour(self):
        self.assertEqual(len(set(style.MESSAGE_COLOURS)), len(style.MESSAGE_COLOURS))
        nagle, nodelay = style.server_style("nagle"), style.server_style("nodelay")
        self.assertNotEqual(nagle.colour, nodelay.colour)
        self.assertNotEqual(nagle.marker, nodelay.marker)

    def test_every_chat_room_has_a_look_of_its_own(self):
        rooms = Path(__file__).resolve().parents[1] / "common" / "harness" / "chat_rooms.csv"
        with open(rooms, newline="", encoding="utf-8") as file:
            names = [row["room"] for row in csv.DictReader(file)]
        self.assertEqual(list(style._ROOMS), names)
        for aspect in ("colour", "marker"):
            self.assertEqual(len({getattr(style.server_style(name), aspect) for name in names}), len(names))
        self.assertEqual(style.in_order([*reversed(names), "epoll", "mine"]), ["epoll", *names, "mine"])

    def test_a_foreign_server_has_a_stable_look_that_is_none_of_ours(self):
        look = style.server_style("python3 echo.py")
        # Written out: a look that changes from one start of Python to the next would pass a comparison.
        self.assertEqual(look, style.ServerStyle("#2E6180", "p"))
        self.assertNotIn(look.colour, {style.server_style(server).colour for server in style._SERVERS})

    def test_servers_are_in_the_order_of_the_labs(self):
        self.assertEqual(
            style.in_order(["zig", "epoll", "asio", "select", "blocking-loop", "epoll"]),
            ["blocking-loop", "select", "epoll", "asio", "zig"],
        )

    def test_bytes_for_humans(self):
        for number, words in (
            (0, "0 B"),
            (112, "112 B"),
            (1024, "1 KiB"),
            (37_069, "36.2 KiB"),
            (8_388_608, "8 MiB"),
            (85_899_345_920, "80 GiB"),
            (-2048, "−2 KiB"),
            (-0.2, "0 B"),
        ):
            self.assertEqual(style.human_bytes(number), words)

    def test_thousands(self):
        self.assertEqual(style.with_thousands(12_500), "12,500")
        self.assertEqual(style.with_thousands(0.5), "0.5")

    def test_connections_are_logarithmic_and_labelled_where_measured(self):
        style.scale_connections(self.axes, [10, 1000, 100, 10, 1020])
        self.assertEqual(self.axes.get_xscale(), "log")
        self.assertEqual([round(tick) for tick in self.axes.get_xticks()], [10, 100, 1020])
        self.assertEqual(self.axes.xaxis.get_major_formatter()(1020), "1,020")
        low, high = self.axes.get_xlim()
        self.assertTrue(low < 10 and high > 1020)

    def test_no_connection_at_all_has_a_place_on_the_axis(self):
        style.scale_connections(self.axes, [0, 10, 100])
        self.assertLess(self.axes.get_xlim()[0], 0)
        self.assertIn(0, self.axes.get_xticks())

    def test_values_start_at_zero_unless_they_range_far(self):
        style.scale_values(self.axes, [50, 100])
        self.assertEqual((self.axes.get_yscale(), self.axes.get_ylim()[0]), ("linear", 0))
        style.scale_values(self.axes, [5, 500])
        self.assertEqual(self.axes.get_yscale(), "log")

    def test_bytes_axis_has_few_labels_and_takes_zero(self):
        style.scale_bytes(self.axes, [4e6, 8e10])
        self.assertEqual(self.axes.get_yscale(), "log")
        self.assertTrue(2 <= len(self.axes.get_yticks()) <= 6)
        style.scale_bytes(self.axes, [0, 8e6])
        self.assertEqual(self.axes.get_yscale(), "symlog")
        self.assertIn(0, self.axes.get_yticks())


class Apart(unittest.TestCase):
    def test_places_that_are_far_enough_stay(self):
        self.assertEqual([round(place, 9) for place in style.apart([0.1, 0.5, 0.9], 0.1)], [0.1, 0.5, 0.9])

    def test_places_too_near_move_evenly_apart(self):
        for place, expected in zip(style.apart([0.5, 0.5, 0.5], 0.1), [0.4, 0.5, 0.6]):
            self.assertAlmostEqual(place, expected)

    def test_none_leaves_the_axes(self):
        for places in ([0.0, 0.0, 0.01], [0.98, 0.99, 1.0]):
            moved = style.apart(places, 0.1)
            self.assertGreaterEqual(moved[0], 0)
            self.assertLessEqual(moved[-1], 1 + 1e-9)
            for below, above in zip(moved, moved[1:]):
                self.assertGreaterEqual(above - below, 0.1 - 1e-9)

    def test_nothing_to_place(self):
        self.assertEqual(style.apart([], 0.1), [])


if __name__ == "__main__":
    unittest.main()
