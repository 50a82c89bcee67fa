"""One line to many: how long it takes, and what it costs."""

import unittest

from plots import chat_fan_out, style, synthetic
from plots.records import RecordsError, read_experiment
from plots.testing import ChartTest, ends_of


class ChatFanOut(ChartTest):
    def draw(self, **cells):
        return chat_fan_out.draw(read_experiment(synthetic.write_chat_fan_out(self.results, **cells)))

    @staticmethod
    def line(axes, room):
        (found,) = [line for line in axes.get_lines() if line.get_label() == room]
        return dict(zip(found.get_xdata(), found.get_ydata()))

    def test_the_title_is_of_the_largest_room(self):
        self.assertEqual(
            self.draw()._suptitle.get_text(),
            "One line to 1,000 listeners: the last has it after 11 ms (chat-drop)",
        )

    def test_three_panels_of_latency_on_one_axis_and_three_of_costs(self):
        panels = self.draw().axes
        self.assertEqual(
            [axes.get_title("left") for axes in panels],
            [title for _, title in (*chat_fan_out.LATENCIES, *chat_fan_out.COSTS, chat_fan_out.MEMORY)],
        )
        self.assertEqual(len({axes.get_ylim() for axes in panels[:3]}), 1)
        self.assertEqual({axes.get_yscale() for axes in panels[:3]}, {"log"})
        self.assertEqual({axes.get_xlabel() for axes in panels}, {"listeners"})

    def test_each_room_has_its_points(self):
        first, median, last, cpu, calls, memory = self.draw().axes
        self.assertEqual(self.line(first, "chat-drop"), {10: 1010, 100: 1010, 1000: 1010})
        self.assertEqual(self.line(median, "chat-forget"), {10: 1050, 100: 1500})
        self.assertEqual(self.line(last, "chat-wait"), {10: 500_000, 100: 500_000})
        self.assertEqual(self.line(cpu, "chat-drop")[1000], 4)
        self.assertEqual(self.line(calls, "chat-drop"), {10: 1.2, 100: 1.02})  # not counted in a large room
        self.assertEqual(self.line(memory, "chat-drop")[10], 65_536)

    def test_where_calls_are_not_counted_the_panel_says_so(self):
        axes = self.draw(server_system_calls_per_request="").axes[4]
        self.assertEqual([text.get_text() for text in axes.texts], ["not counted here"])

    def test_an_invalid_run_is_hollow_and_a_lost_client_a_cross(self):
        figure = self.draw(valid="no", invalid_reason="1 of 10 clients were lost", errors=1)
        labels = {line.get_label() for line in figure.axes[0].get_lines()}
        self.assertLessEqual({"_invalid", "_failed"}, labels)
        self.assertIn("Hollow: invalid", " ".join(text.get_text() for text in figure.texts))

    def test_memory_has_binary_steps(self):
        figure = self.draw(growth_bytes=1_000_000)
        figure.draw_without_rendering()
        labels = [label.get_text() for label in figure.axes[5].get_yticklabels()]
        self.assertIn("512 KiB", labels)

    def test_records_without_these_figures_are_refused(self):
        with self.assertRaisesRegex(RecordsError, "no run has a latency to the first listener"):
            self.draw(first_us="", median_us="", last_us="")

    def test_nothing_is_written_over_anything(self):
        figure = self.draw()
        self.assert_apart(figure)
        for axes in figure.axes[:3]:
            self.assertEqual(sorted(ends_of(axes)), ["chat-drop", "chat-forget", "chat-wait"])
        self.assertIn(
            style.server_style("chat-drop").colour, [line.get_color() for line in figure.axes[0].get_lines()]
        )


if __name__ == "__main__":
    unittest.main()
