"""The parser against good and malformed handouts."""

import tempfile
import unittest
from pathlib import Path

from common.guide.annotations import HandoutError
from common.guide.fixture import HANDOUT, STEPS, minimal
from common.guide.handout import Prediction, port_variable, read_handout

PREDICT = '<!-- predict id=a question="?" unit=ms pattern="([0-9]+) ms" -->'
BLOCK = "```sh\necho 5 ms\n```"


def parse(text):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "README.md"
        path.write_text(text, encoding="utf-8")
        return read_handout(path, "README.md")


class Good(unittest.TestCase):
    def test_steps_end_at_blocks_and_headings(self):
        handout = parse(HANDOUT)
        self.assertEqual(
            (handout.title, handout.minutes, len(handout.steps)), ("Lab 07: a small server", 5, STEPS)
        )
        sections = [step.section for step in handout.steps]
        self.assertEqual(
            sections, ["Lab 07: a small server", "Start", "Measure", "Explain", "Break it", "Break it"]
        )
        self.assertEqual([step.number for step in handout.steps], list(range(1, STEPS + 1)))

    def test_blocks_carry_their_annotations(self):
        server, measure, refused = parse(HANDOUT).blocks
        self.assertEqual((server.server, server.line), ("small", 16))
        self.assertTrue(measure.side_by_side)
        self.assertEqual(measure.expected, ("echoed: …", "longest wait … ms"))
        self.assertEqual(measure.predictions[0].unit, "ms")
        self.assertEqual((refused.expect_exit, refused.predictions[0].choices), (3, ("accepted", "refused")))

    def test_the_example_in_the_format_page_is_right(self):
        page = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
        handout = parse(page.split("````markdown\n")[1].split("````")[0])
        self.assertEqual([block.server for block in handout.blocks], ["select", None])
        self.assertEqual(handout.blocks[1].predictions[0].id, "longest-wait")

    def test_hint_belongs_to_its_step(self):
        self.assertEqual([step.hints for step in parse(HANDOUT).steps][2], ["Nobody is in front of it."])

    def test_every_word_of_an_info_string(self):
        text = minimal('```bash title="two words" expect-exit=any timeout=2.5 needs=strace,perf\ntrue\n```')
        block = parse(text).blocks[0]
        self.assertEqual(
            (block.title, block.expect_exit, block.timeout, block.needs),
            ("two words", None, 2.5, ("strace", "perf")),
        )

    def test_what_is_only_shown_does_not_run(self):
        text = minimal("```sh no-run\nrm -rf x\n```\n\n```c++\nint main() {}\n```\n\n```console\n$ x\n```")
        handout = parse(text)
        self.assertEqual(handout.blocks, [])
        self.assertIn("rm -rf x", handout.steps[0].parts[-3].text)

    def test_by_hand_is_on_the_page_only_and_says_how_to_set_the_port(self):
        text = minimal("```sh by-hand\nexport A_B_PORT=4000\n```\n\n```sh server=a-b\nx\n```")
        handout = parse(text)
        self.assertEqual(len(handout.blocks), 1)
        self.assertNotIn("export", str(handout.steps))
        self.assertEqual(port_variable("a-b"), "A_B_PORT")

    def test_comments_inside_code_are_code(self):
        handout = parse(minimal("```html\n<!-- predict nothing -->\n```\n\n~~~~sh\necho '```'\n~~~~"))
        self.assertEqual(handout.blocks[0].command, "echo '```'")

    def test_ordinary_comments_are_left_alone(self):
        self.assertEqual(parse(minimal("<!-- markdownlint-disable -->\n<!-- TODO\nmore -->")).blocks, [])

    def test_indented_block_in_a_list(self):
        self.assertEqual(
            parse(minimal("1. Run:\n\n    ```sh\n    if true; then\n      echo\n    fi\n    ```"))
            .blocks[0]
            .command,
            "if true; then\n  echo\nfi",
        )

    def test_long_prose_is_cut_into_pages_but_a_prediction_keeps_its_block(self):
        paragraph = "word " * 60
        handout = parse(minimal("\n\n".join([paragraph] * 12)))
        self.assertGreater(len(handout.steps), 2)
        handout = parse(minimal(PREDICT + "\n\n" + "\n\n".join([paragraph] * 12) + "\n\n" + BLOCK))
        with_prediction = [
            step for step in handout.steps if any(isinstance(part, Prediction) for part in step.parts)
        ]
        self.assertIsNotNone(with_prediction[0].block)


class Malformed(unittest.TestCase):
    """Each names the line, what is wrong, and what is allowed."""

    CASES = {
        "unknown word": ("```sh colour=red\nx\n```", 5, "unknown `colour`; allowed: title, server,"),
        "given twice": ("```sh timeout=1 timeout=2\nx\n```", 5, "`timeout` is given twice"),
        "stray quote": ('```sh title="open\nx\n```', 5, "can't read"),
        "bad timeout": ("```sh timeout=soon\nx\n```", 5, "a number of seconds"),
        "bad exit": ("```sh expect-exit=256\nx\n```", 5, "0 to 255, or any"),
        "flag with value": ("```sh side-by-side=yes\nx\n```", 5, "takes no value"),
        "bad server name": ("```sh server=Select\nx\n```", 5, "a-z, 0-9 and -"),
        "server without a name": ("```sh server\nx\n```", 5, "a-z, 0-9 and -"),
        "may-end without server": ("```sh may-end\nx\n```", 5, "belongs to a server"),
        "needs nothing": ("```sh needs\nx\n```", 5, "separated by commas"),
        "server and nothing by hand": ("text\n\n```sh server=select\nx\n```", 7, "export SELECT_PORT=…"),
        "empty block": ("```sh\n\n```", 5, "empty"),
        "open fence": ("text\n\n```sh\nx", 7, "never closed"),
        "open comment": ("text\n\n<!-- predict id=a", 7, "never closed"),
        "output alone": ("```output\nx\n```", 5, "right below the command block"),
        "output after prose": (BLOCK + "\n\ntext\n\n```output\nx\n```", 11, "right below the command block"),
        "output twice": (
            BLOCK + "\n```output\nx\n```\n\n```output\nx\n```",
            12,
            "right below the command block",
        ),
        "output with words": (BLOCK + "\n```output exact\nx\n```", 8, "nothing more"),
        "prediction without block": (f"{PREDICT}\n\ntext", 5, "no command block follows"),
        "prediction before a heading": (f"{PREDICT}\n\n## Next\n\n{BLOCK}", 7, "before this heading"),
        "prediction twice": (f"{PREDICT}\n{PREDICT}\n\n{BLOCK}", 6, "there twice"),
        "no pattern": ('<!-- predict id=a question="?" unit=ms -->\n' + BLOCK, 5, "`pattern=…` is missing"),
        "no capture": (
            '<!-- predict id=a question="?" unit=ms pattern="x" -->\n' + BLOCK,
            5,
            "exactly one capture",
        ),
        "two captures": (
            '<!-- predict id=a question="?" unit=ms pattern="(x)(y)" -->\n' + BLOCK,
            5,
            "exactly one capture",
        ),
        "bad pattern": (
            '<!-- predict id=a question="?" unit=ms pattern="(x" -->\n' + BLOCK,
            5,
            "no regular expression",
        ),
        "number and choice": (
            '<!-- predict id=a question="?" unit=ms choices="a|b" pattern="(x)" -->\n' + BLOCK,
            5,
            "either",
        ),
        "neither": ('<!-- predict id=a question="?" pattern="(x)" -->\n' + BLOCK, 5, "either"),
        "one choice": (
            '<!-- predict id=a question="?" choices="a|A" pattern="(x)" -->\n' + BLOCK,
            5,
            "at least two",
        ),
        "bad id": (
            '<!-- predict id=A question="?" unit=ms pattern="(x)" -->\n' + BLOCK,
            5,
            "`id` is made of",
        ),
        "misspelt": ("<!-- predcit id=a -->", 5, "did you mean `predict`"),
        "hint without colon": ("<!-- hint look -->", 5, "<!-- hint: … -->"),
        "empty hint": ("<!-- hint: -->", 5, "empty"),
        "not on its own line": ("text <!-- hint: x -->", 5, "a line of its own"),
        "minutes twice": ("<!-- lab minutes=3 -->", 5, "given twice"),
    }

    def test_each_is_refused_with_its_line(self):
        for name, (body, line, message) in self.CASES.items():
            with self.subTest(name), self.assertRaises(HandoutError) as caught:
                parse(minimal(body))
            text = str(caught.exception)
            with self.subTest(name):
                self.assertTrue(text.startswith(f"README.md:{line}: "), text)
                self.assertIn(message, text)
                self.assertNotIn("\n", text)

    def test_a_page_says_how_long_it_takes_and_has_a_title(self):
        for text, message in (
            ("# Title\n", "lab minutes=15"),
            ("<!-- lab minutes=5 -->\n", "no heading"),
            ("# T\n<!-- lab minutes=x -->", "whole number"),
        ):
            with self.subTest(message), self.assertRaisesRegex(HandoutError, message):
                parse(text)

    def test_missing_file(self):
        with self.assertRaisesRegex(HandoutError, "nowhere.md:1: can't read it"):
            read_handout("nowhere.md")


if __name__ == "__main__":
    unittest.main()
