"""The reader's terminal: what is drawn on it, a screenful at a time."""

import math
import os
import re

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.text import Text

from .rendering import THEME, page

WIDEST = 88  # longer lines are hard to read
COLUMNS_FROM = 100  # two columns side by side need this much

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class GuideConsole(Console):
    """rich's, with the true size of a terminal whose type is `dumb`: rich takes each of those for 80 columns."""

    def __init__(self, **options):
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    @property
    def size(self):
        """Columns and lines, as they are now: a window can be resized."""
        if self.is_dumb_terminal and "COLUMNS" not in os.environ:
            return ConsoleDimensions(*os.get_terminal_size(self.file.fileno()))
        return super().size


class Screen:
    """Draws: prose, commands, and output lines with a gutter, so that they differ from prose without colour too.

    Nothing scrolls away unread: when a screenful stands there, `pause()` is called, which returns once it was read.
    """

    PROMPT_LINES = 2  # what the keys take at the narrowest

    def __init__(self, pause):
        self.console = GuideConsole(theme=THEME)
        self.columns = None  # the width of each while two terminals are shown side by side
        self.labelled = False
        self._pause = pause
        self._unread = 0  # lines of the terminal

    @property
    def width(self):
        """Columns that prose takes."""
        return min(self.console.width, WIDEST)

    def was_read(self):
        """The reader has pressed a key: what stands here may scroll away."""
        self._unread = 0

    def say(self, text="", style=None):
        """One paragraph of our own."""
        self._draw(Text(text, style or ""), width=self.width)

    def prose(self, text):
        """A piece of the handout."""
        self._draw(page(text), width=self.width)
        self.say()

    def table(self, table):
        """A table of rich."""
        self._draw(table, width=self.width)
        self.say()

    def rule(self, text):
        """The line that starts a step."""
        line = f"── {text} "
        self.say(line + "─" * max(self.width - cell_len(line), 2), "quiet")
        self.say()

    def command(self, command, title=None):
        """The command that a block will run: a mark at its first line only, so that it can be copied."""
        if title:
            self.say(f"  {title}:")
        mark = "$ "
        for line in command.split("\n"):
            for piece in folded(line, self.width - 6):
                self.say(f"  {mark}{piece}" if piece else "", "command")
                mark = "  "
        self.say()

    def alone(self, command):
        """The command and nothing else: a line of it is a line of the terminal, however wide."""
        self.say()
        for line in command.split("\n"):
            self._draw(Text(line), soft_wrap=True)
        self.say()

    def begin_output(self, side_by_side, servers):
        """Prepares for the output of a block: labelled lines, or two columns where the terminal is wide enough."""
        side_by_side = side_by_side and bool(servers)
        self.labelled = side_by_side
        self.columns = None
        if side_by_side and self.console.width >= COLUMNS_FROM:
            self.columns = (min(self.console.width, 160) - 3) // 2
            self._row(", ".join(servers), "you", "quiet")
            self._row("─" * self.columns, "─" * self.columns, "quiet")

    def end_output(self):
        """Back to single lines."""
        self.labelled, self.columns = False, None

    def output(self, source, line):
        """One line of output: the block's (source None) or a server's."""
        if self.columns:
            self._row(line if source else "", "" if source else line, "")
            return
        label = f"[{source}] " if source else "[you] " if self.labelled else ""
        for piece in folded(label + line, self.console.width - 2):
            text = Text.assemble(("│ ", "quiet"), piece)
            if source:
                text.stylize("server", 2, 2 + len(label))
            self._draw(text, soft_wrap=True)
            label = ""

    def _row(self, left, right, style):
        lefts, rights = folded(left, self.columns), folded(right, self.columns)
        for index in range(max(len(lefts), len(rights))):
            one = lefts[index] if index < len(lefts) else ""
            two = rights[index] if index < len(rights) else ""
            row = Text.assemble(
                (one + " " * (self.columns - cell_len(one)), style or "server"),
                (" │ ", "quiet"),
                (two, style),
            )
            self._draw(row, soft_wrap=True)

    def _draw(self, what, **options):
        with self.console.capture() as capture:
            self.console.print(what, **options)
        for line in capture.get().splitlines():
            taken = max(math.ceil(cell_len(_ESCAPES.sub("", line)) / self.console.width), 1)
            if self._unread and self._unread + taken > self.console.height - self.PROMPT_LINES:
                if not line.strip():
                    continue  # nobody waits for a blank line
                self._pause()
            self._unread += taken
            self.console.file.write(line + "\n")
        self.console.file.flush()


def folded(line, width):
    """The line cut into pieces of at most `width` cells: behind a blank, or inside a word that is too long.

    A Chinese character takes two cells. A piece that follows begins below the line's first word.
    """
    width = max(width, 1)
    indent = " " * min(len(line) - len(line.lstrip(" ")), width // 2)
    pieces = []
    while cell_len(line) > width and len(line) > len(indent) + 1:
        fits = line
        while cell_len(fits) > width:
            fits = fits[: -max((cell_len(fits) - width) // 2, 1)]
        blank = fits.rfind(" ", len(indent) + 1)
        end = blank + 1 if blank > 0 and line[len(fits)] != " " else max(len(fits), len(indent) + 1)
        pieces.append(line[:end].rstrip(" "))
        line = indent + line[end:].lstrip(" ")
    return [*pieces, line]
