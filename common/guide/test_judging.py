"""Expected output, predictions, records and tables."""

import re
import tempfile
import unittest
from pathlib import Path

from rich.console import Console

from common.guide import overview, processes
from common.guide.duration import is_honest, minutes
from common.guide.expected import difference
from common.guide.predictions import BadAnswer, NotMeasured, comparison, measure, read_answer, shown
from common.guide.records import RecordError, Records
from common.guide.rendering import page
from common.guide.verdict import is_disturbed
from common.guide.test_handout import minimal, parse


def prediction(fields):
    body = f'<!-- predict id=a question="?" {fields} -->\n```sh\nx\n```'
    return parse(minimal(body)).blocks[0].predictions[0]


NUMBER = prediction('unit=ms pattern="wait (.*) ms"')
CHOICE = prediction('choices="accepted|refused|reset" pattern="^(accepted|refused|other)"')


class ExpectedOutput(unittest.TestCase):
    def test_wildcards(self):
        for expected, actual in (
            (["a", "…", "z"], ["a", "z"]),
            (["a", "…", "z"], ["a", "b", "z", "c", "z"]),
            (["port …, pid ..."], ["port 4000, pid 7"]),
            (["..."], []),
            ([], []),
            (["a.b"], ["a.b  ", "", ""]),
        ):
            with self.subTest(expected):
                self.assertIsNone(difference(expected, actual))

    def test_differences_name_the_line(self):
        for expected, actual, index in (
            (["a", "b"], ["a", "c"], 1),
            (["a"], ["a", "b"], 0),
            (["a", "b"], ["a"], 1),
            (["…", "z"], ["a", "b"], 1),
            (["a.b"], ["axb"], 0),
        ):
            with self.subTest(expected):
                self.assertEqual(difference(expected, actual)[0], index)

    def test_the_difference_shows_both(self):
        self.assertEqual(difference(["one", "two"], ["one", "three"])[1], "    one\n  - two\n  + three")
        self.assertIn("+ (the output ends here)", difference(["one"], [])[1])


class Durations(unittest.TestCase):
    def test_words_outputs_runs_and_questions(self):
        self.assertEqual(minutes("word " * 190, [], 0, 0), 1)
        self.assertEqual(minutes("", [["one two"], ["three"] * 187], 0, 0), (2 + 80) / 190)
        self.assertEqual(minutes("", [], 30, 3), 1.5)

    def test_what_a_page_may_say(self):
        for said, taken, honest in (
            (25, 21, True),
            (25, 19, False),
            (40, 33, True),
            (40, 31, False),
            (5, 1, True),
        ):
            self.assertEqual(is_honest(said, taken), honest, (said, taken))


class Disturbed(unittest.TestCase):
    def test_what_harness_load_has_said(self):
        for lines, disturbed in (
            (["  figures    valid"], False),
            (["  figures    INVALID: the generator was starved:", "  figures    it waited"], True),
            (["  figures    INVALID: 41 of 100 clients were lost or got", "  figures    wrong bytes"], False),
            (
                [
                    "  figures    INVALID: 41 of 100 clients",
                    "  figures    were lost",
                    "  figures    INVALID: x",
                ],
                True,
            ),
            (["INVALID: said by somebody else"], False),
        ):
            self.assertEqual(is_disturbed(lines), disturbed, lines)


class Predictions(unittest.TestCase):
    def test_answers(self):
        for text, value in (("", None), ("5", 5), (" 2,003 ms", 2003), ("2.5ms", 2.5), ("1e3", 1000)):
            self.assertEqual(read_answer(NUMBER, text), value)
        for text, choice in (("2", "refused"), ("Accepted", "accepted"), ("res", "reset"), ("", None)):
            self.assertEqual(read_answer(CHOICE, text), choice)

    def test_bad_answers_say_what_is_allowed(self):
        for question, text in (
            (NUMBER, "soon"),
            (NUMBER, "1,2"),
            (NUMBER, "5 s"),
            (CHOICE, "4"),
            (CHOICE, "re"),
            (CHOICE, "0"),
        ):
            with self.subTest(text), self.assertRaisesRegex(BadAnswer, "type .* or nothing"):
                read_answer(question, text)

    def test_measuring(self):
        self.assertEqual(measure(NUMBER, ["x", "wait 2,003.5 ms"]), 2003.5)
        self.assertEqual(measure(CHOICE, ["x", "refused"]), "refused")
        for question, lines, message in (
            (NUMBER, ["none"], "finds nothing"),
            (NUMBER, ["wait long ms"], "no number"),
            (CHOICE, ["other"], "none of"),
        ):
            with self.assertRaisesRegex(NotMeasured, message):
                measure(question, lines)

    def test_sentences(self):
        self.assertEqual(
            comparison(5, 2003, "ms"), "you said 5 ms, it was 2,003 ms (about 400 times as much)"
        )
        self.assertEqual(comparison(100, 25, "ms"), "you said 100 ms, it was 25 ms (a factor of 4.0 less)")
        self.assertEqual(comparison(None, 0.25, "ms"), "it was 0.25 ms")
        self.assertEqual(comparison("a", "a"), "you said a, and so it was")
        self.assertEqual(comparison(0, 3), "you said 0, it was 3")
        self.assertEqual(shown(12345.6), "12,346")


class Store(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.records = Records(self.root)

    def test_a_batch_run_leaves_a_readers_pair_alone(self):
        self.records.measured("07-x", NUMBER, 1, "batch")
        self.records.measured("07-x", NUMBER, 2, "batch")
        self.assertEqual(self.records.predictions()["07-x"]["a"]["measured"], 2)
        self.records.predicted("07-x", NUMBER, 5)
        self.records.measured("07-x", NUMBER, 3, "reader")
        self.records.measured("07-x", NUMBER, 4, "batch")
        entry = self.records.predictions()["07-x"]["a"]
        self.assertEqual((entry["predicted"], entry["measured"], entry["measured_by"]), (5, 3, "reader"))

    def test_no_half_file_is_left(self):
        self.records.reached("07-x", 2, 5)
        self.assertEqual([path.name for path in (self.root / "results").iterdir()], ["progress.json"])

    def test_a_broken_record_is_one_clear_line(self):
        (self.root / "results").mkdir()
        for text in ("{", "[]", '{"07-x": 3}'):
            (self.root / "results/progress.json").write_text(text)
            with self.assertRaisesRegex(RecordError, "progress.json: .*delete it"):
                self.records.progress()

    def test_summary(self):
        self.assertIsNone(overview.summary_table(self.records))
        self.records.predicted("07-x", NUMBER, 5)
        self.records.measured("07-x", NUMBER, 2003, "reader")
        console = Console(width=80)
        with console.capture() as capture:
            console.print(overview.summary_table(self.records))
        self.assertRegex(capture.get(), r"07 +\? +5 ms +2,003 ms +about 400 times as much")


class Rendering(unittest.TestCase):
    def render(self, text):
        console = Console(width=60)
        with console.capture() as capture:
            console.print(page(text))
        return capture.get()

    def test_tables_and_code(self):
        text = self.render(
            "Before.\n\n| term | 中文 |\n|---|---|\n| `select` | **就绪** |\n\n```sh\na | b\n\nc\n```\n\n## After"
        )
        self.assertRegex(text, r"(?s)Before\..*term +中文.*select +就绪.*    a \| b.*    c.*After")
        self.assertNotIn("**", text)

    def test_no_character_of_code_is_lost(self):
        """In all handouts, at three widths."""
        for handout in sorted(Path("labs").glob("[0-9]*/README.md")):
            for fence in re.findall(r"^```.*?^```$", handout.read_text(), re.MULTILINE | re.DOTALL):
                code = "\n".join(fence.split("\n")[1:-1])
                for width in (40, 60, 80):
                    console = Console(width=width)
                    with console.capture() as capture:
                        console.print(page(f"```c\n{code}\n```"))
                    drawn = "".join(capture.get().split())
                    self.assertEqual(drawn, "".join(code.split()), (handout, width))

    def test_output_cannot_move_the_cursor(self):
        self.assertEqual(processes._printable("10%\r\x1b[31m20%\x1b[0m\x07\r"), "20%")
        self.assertEqual(processes._printable("a\tb"), "a       b")


if __name__ == "__main__":
    unittest.main()
