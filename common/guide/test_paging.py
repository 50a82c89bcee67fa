"""Nothing scrolls away unread: every screenful stops, on terminals of every size."""

import math
import unittest

from rich.cells import cell_len

from common.guide.at_terminal import CTRL_C, ENTER, SessionTest, running
from common.guide.terminal import folded

GLOSSARY = "\n".join(
    ["| term | what it means |", "|---|---|"] + [f"| word {n} | the meaning of word {n} |" for n in range(42)]
)
LONG_COMMAND = "\n".join(f"echo line {n} of a command that is longer than a terminal" for n in range(40))
LAB = f"""
{GLOSSARY}

{" ".join(f"Sentence {n} of a paragraph." for n in range(120))}

```c
{LONG_COMMAND}
```

## Run

```sh title="a long one"
seq 92
```

```sh
{LONG_COMMAND}
```

```sh
for i in $(seq 30); do echo "a line with words of which each is to be read, none to be cut: number $i"; done
```

The end of it."""

SIZES = ((40, 15), (60, 20), (80, 24), (120, 40))


def height(passage, columns):
    """The lines of a terminal that a passage takes."""
    return sum(max(math.ceil(cell_len(line) / columns), 1) for line in passage.split("\n"))


class Paging(SessionTest):
    def screens(self, columns, lines):
        """What stands between two presses of Enter, from the start to the end of the lab."""
        reader = self.read("--restart", columns=columns, lines=lines)
        found = []
        while reader.process.poll() is None:
            before = reader.seen
            if reader.expect("q quit]", or_end=True) is None:
                break
            found.append(reader.text[before : reader.seen])
            reader.press(ENTER)
        self.assertEqual(reader.end(), 0)
        return found, reader.text

    def test_no_screen_is_taller_than_the_terminal(self):
        self.lab(LAB)
        for columns, lines in SIZES:
            with self.subTest(f"{columns}x{lines}"):
                screens, text = self.screens(columns, lines)
                tallest = max(screens, key=lambda screen: height(screen, columns))
                self.assertLessEqual(height(tallest, columns), lines, tallest)
                for screen in screens:
                    self.assertNotRegex(screen, r"^\s*\[", "a screen with nothing to read")
                for number in range(1, 93):
                    self.assertIn(f"│ {number}\n", text)
                self.assertIn("word 41", text)
                self.assertIn("The end of it.", text)

    def test_ctrl_c_at_a_full_screen_ends_the_command(self):
        self.lab(f"```sh\nseq 500\nexec -a {self.marker} sleep 1000\n```\n\nAfter.")
        reader = self.read()
        for wanted in ("Enter start", "Enter run it", "[Enter on · q quit]"):
            reader.expect(wanted)
            if wanted != "[Enter on · q quit]":
                reader.press(ENTER)
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C)")
        reader.expect("r run again")
        self.assertEqual(running(self.marker), [])
        self.assertNotIn("│ 400", reader.text)

    def test_quitting_at_a_full_screen(self):
        self.lab(f"```sh\nseq 500\nexec -a {self.marker} sleep 1000\n```")
        reader = self.read()
        for wanted in ("Enter start", "Enter run it", "[Enter on · q quit]"):
            reader.expect(wanted)
            reader.press("q" if wanted == "[Enter on · q quit]" else ENTER)
        reader.expect("Stopped at step 1")
        self.assertEqual(reader.end(), 0)
        self.assertEqual(running(self.marker), [])

    def test_output_of_a_command_breaks_at_words(self):
        self.lab('```sh\necho "thirty-three letters in the front, 1234567890 behind them"\n```')
        reader = self.read(columns=40)
        for wanted in ("Enter start", "Enter run it"):
            reader.expect(wanted)
            reader.press(ENTER)
        reader.expect("│ thirty-three letters in the front,\n│ 1234567890 behind them\n")


class Folding(unittest.TestCase):
    def test_at_blanks(self):
        self.assertEqual(folded("one two three", 8), ["one two", "three"])
        self.assertEqual(folded("one two", 7), ["one two"])
        self.assertEqual(folded("  one two three", 9), ["  one two", "  three"])

    def test_inside_what_has_none(self):
        self.assertEqual(folded("abcdefgh", 3), ["abc", "def", "gh"])
        self.assertEqual(folded("", 3), [""])

    def test_a_chinese_character_takes_two_cells(self):
        self.assertEqual(folded("粘包粘包", 5), ["粘包", "粘包"])
        self.assertEqual(folded("粘包", 1), ["粘", "包"])


if __name__ == "__main__":
    unittest.main()
