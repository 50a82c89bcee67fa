"""What keys do, and what they don't."""

import subprocess
import sys
import unittest
from pathlib import Path

from common.guide.at_terminal import CTRL_C, ENTER, SessionTest

ROOT = Path(__file__).resolve().parents[2]

LAB = """
```sh title="who waits"
echo measured
```

It came out so.

## Another

```sh
true
```

```sh expect-exit=124
timeout 0.1 sleep 10
```

```sh expect-exit=3
true
```

By hand, start it so:

```sh by-hand
build/bin/select
```

The last words."""


class Keys(SessionTest):
    def begin(self, *arguments, **settings):
        self.lab(LAB)
        reader = self.read(*arguments, **settings)
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        return reader

    def test_a_word_is_no_key(self):
        reader = self.begin()
        reader.expect("[Enter run it")
        for word in ("send", "quit", "back"):
            reader.press(word)
            said = reader.expect("[Enter run it")
            self.assertIn(f"`{word}` does nothing here; these keys do: Enter, s, c, q.", said)
        for letter in "send":  # one by one, as fingers do
            reader.press(letter)
        reader.press(ENTER)
        self.assertIn("`send` does nothing here", reader.expect("[Enter run it"))
        reader.press(ENTER)
        reader.expect("│ measured")

    def test_what_was_skipped_is_said_where_it_is_explained(self):
        reader = self.begin()
        reader.expect("[Enter run it")
        reader.press("s")
        said = reader.expect("It came out so.")
        self.assertIn("You passed over the experiment of step 1 (who waits)", said)
        reader.expect("q quit]")
        reader.press("b")
        reader.expect("[Enter run it")
        reader.press(ENTER)
        reader.expect("r run again")
        reader.press(ENTER)
        self.assertNotIn("passed over", reader.expect("It came out so."))

    def test_arrows_say_nothing(self):
        reader = self.begin()
        reader.expect("[Enter run it")
        reader.press("\x1b[A")
        reader.press(ENTER)
        self.assertNotIn("does nothing", reader.expect("│ measured"))

    def test_the_command_alone(self):
        self.lab("```sh\necho one\nfor i in 2 3; do\n  echo $i\ndone\n```")
        reader = self.read()
        reader.expect("[Enter start")
        reader.press(ENTER)
        self.assertIn(
            "\n  $ echo one\n    for i in 2 3; do\n      echo $i\n    done\n", reader.expect("copy")
        )
        reader.expect("q quit]")
        reader.press("c")
        self.assertIn("\n\necho one\nfor i in 2 3; do\n  echo $i\ndone\n\n", reader.expect("[Enter run it"))

    def test_a_command_that_prints_nothing_says_what_it_did(self):
        reader = self.begin("--from", "3")
        for said in (
            "(it printed nothing: exit 0, as expected)",
            "(it printed nothing: exit 124, as expected)",
            "(it printed nothing: exit 0)",
        ):
            reader.expect("[Enter run it")
            reader.press(ENTER)
            reader.expect(said)
            reader.expect("r run again")
            reader.press(ENTER)

    def test_what_is_for_readers_by_hand_leaves_nothing(self):
        reader = self.begin("--from", "6")
        self.assertNotIn("By hand", reader.expect("The last words."))

    def test_questions(self):
        predict = '<!-- predict id={} question="{}?" unit=ms pattern="took ([0-9]+)" -->'
        self.lab(
            predict.format("first", "How long")
            + "\n```sh\necho took 5\n```\n\n"
            + predict.format("second", "How much longer")
            + "\n```sh\necho took 6\n```"
        )
        reader = self.read()
        reader.expect("[Enter start")
        reader.press(ENTER)
        for wrong, said in (("-3", "`-3` is below zero: type"), ("abc", "`abc` is no number: type")):
            reader.expect("passes over): ")
            reader.press(wrong + "\r")
            reader.expect(said)
        reader.expect("passes over): ")
        reader.press("5\r")
        for _ in range(2):
            reader.expect("q quit]")
            reader.press(ENTER)
        reader.expect("passes over): ")
        reader.press(ENTER)
        reader.expect("q quit]")
        reader.press("s")
        end = reader.expect("1 of 2 questions answered: 1 right (or within 10%), 0 off.")
        self.assertRegex(end, r"How long\? +5 ms +5 ms +right")
        self.assertRegex(end, r"How much longer\? +passed over +not run")
        self.assertEqual(reader.end(), 0)


class UnderMake(SessionTest):
    """The guide as make starts it: with make in front of the terminal."""

    def test_a_ctrl_c_in_a_command_is_no_error_of_make(self):
        self.lab(f"```sh\necho begun\nexec -a {self.marker} sleep 1000\n```\n\nAfter.")
        guide = f"{sys.executable} -m common.guide --root {self.root} lab 7"
        make = f"lab-7:\n\t@{guide}\n\t@read word; echo make read $$word\n"
        (self.root / "Makefile").write_text(make)
        reader = self.read(command=["make", "--no-print-directory", "-C", str(self.root), "lab-7"])
        for wanted, key in (
            ("[Enter start", ENTER),
            ("[Enter run it", ENTER),
            ("│ begun", CTRL_C),
            ("r run again", ENTER),
            ("After.", ""),
            ("q quit]", ENTER),
        ):
            reader.expect(wanted)
            reader.press(key)
        reader.expect("You are through")
        reader.press("hello\r")
        reader.expect("make read hello")  # it has its terminal back
        self.assertEqual(reader.end(), 0)
        self.assertNotIn("Error", reader.text)
        self.assertNotIn("Interrupt", reader.text)

    def test_in_the_background_it_says_so_and_leaves_the_terminal_alone(self):
        self.lab("```sh\necho measured\n```")
        guide = f"{sys.executable} -m common.guide --root {self.root} lab 7"
        shell = f"set -m; {guide} & wait $!; echo ended with $?; read word; echo the shell read $word"
        reader = self.read(command=["bash", "-c", shell])
        reader.expect("guide: this is a background job")
        reader.expect("ended with 2")
        reader.press("hello\r")
        reader.expect("the shell read hello")
        self.assertEqual(reader.end(), 0)

    def test_ctrl_z_stops_nobody(self):
        self.lab("```sh\necho measured\n```")
        reader = self.read()
        reader.expect("[Enter start")
        reader.press("\x1a")
        reader.press(ENTER)
        reader.expect("[Enter run it")


class WithoutPackages(unittest.TestCase):
    def test_it_says_which_python_to_use(self):
        # -S: without the packages of the distribution.
        ran = subprocess.run(
            [sys.executable, "-S", "-m", "common.guide", "progress"], cwd=ROOT, capture_output=True, text=True
        )
        self.assertEqual(ran.returncode, 2)
        self.assertRegex(ran.stderr, r"^guide: \S+ has no rich; this one has: \S+ -m common\.guide\n$")


if __name__ == "__main__":
    unittest.main()
