"""The reader's terminal: what is drawn on it, and the keys that come from it."""

import contextlib
import os
import sys
import termios
import tty

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.padding import Padding
from rich.text import Text

from .rendering import THEME, page

WIDEST = 88  # longer lines are hard to read
COLUMNS_FROM = 100  # two columns side by side need this much


class Hangup(Exception):
    """The terminal has gone, or the reader pressed Ctrl-D."""


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
    """Draws: prose, commands, and output lines with a gutter, so that they differ from prose without colour too."""

    def __init__(self):
        self.console = GuideConsole(theme=THEME)
        self.columns = None  # the width of each while two terminals are shown side by side
        self.labelled = False

    @property
    def width(self):
        return min(self.console.width, WIDEST)

    def say(self, text="", style=None):
        """One paragraph of our own."""
        self.console.print(Text(text, style or ""), width=self.width)

    def prose(self, text):
        """A piece of the handout."""
        self.console.print(page(text), width=self.width)
        self.say()

    def rule(self, text):
        """The line that starts a step."""
        line = f"── {text} "
        self.say(line + "─" * max(self.width - cell_len(line), 2), "quiet")
        self.say()

    def command(self, command, title=None):
        """The command that a block will run."""
        if title:
            self.say(f"  {title}:")
        for line in command.split("\n"):
            self.console.print(
                Padding(Text(f"$ {line}" if line.strip() else "", "command"), (0, 0, 0, 2)), width=self.width
            )
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
        text = Text.assemble(("│ ", "quiet"), (label, "server" if source else ""), line)
        self.console.print(text, soft_wrap=True)

    def _row(self, left, right, style):
        lefts, rights = _folded(left, self.columns), _folded(right, self.columns)
        for index in range(max(len(lefts), len(rights))):
            one = lefts[index] if index < len(lefts) else ""
            two = rights[index] if index < len(rights) else ""
            row = Text.assemble(
                (one + " " * (self.columns - cell_len(one)), style or "server"),
                (" │ ", "quiet"),
                (two, style),
            )
            self.console.print(row, soft_wrap=True)


def _folded(line, width):
    """The line cut into pieces of at most `width` cells, as a terminal does it (a Chinese character takes two)."""
    pieces = [""]
    for character in line:
        if cell_len(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


class Keys:
    """Single key presses and typed lines from descriptor 0, read through `wait_readable` so that servers are heard too."""

    def __init__(self, wait_readable):
        self._wait_readable = wait_readable
        self._modes = None
        self._prompt = ""

    def __enter__(self):
        self._modes = termios.tcgetattr(0)
        tty.setcbreak(0)
        return self

    def __exit__(self, *_):
        try:
            termios.tcsetattr(0, termios.TCSADRAIN, self._modes)
        except termios.error:
            pass  # the terminal has hung up

    def key(self, prompt):
        """Shows the prompt and returns the key pressed: "enter", or the character in lower case."""
        self._set(tty.setcbreak)
        self._show(prompt)
        try:
            while True:
                typed = self._read()
                if typed[:1] == b"\x04":
                    raise Hangup
                if typed[:1] in (b"\r", b"\n", b" "):
                    return "enter"
                if typed[:1].isalnum():
                    return typed[:1].decode().lower()
        finally:
            self._clear()
            self._prompt = ""

    def line(self, prompt):
        """Shows the prompt and returns a line that the reader typed, edited by the terminal itself."""
        self._set(lambda descriptor, when: termios.tcsetattr(descriptor, when, self._modes))
        try:
            self._show(prompt)
            return self._read().decode("utf-8", "replace").strip()
        finally:
            self._prompt = ""
            tty.setcbreak(0, termios.TCSADRAIN)

    @contextlib.contextmanager
    def aside(self):
        """Takes the prompt away while something else is drawn, if one stands there, and puts it back below."""
        if not self._prompt:
            yield
            return
        self._clear()
        yield
        self._write(self._prompt)

    def _set(self, change):
        # What was typed while a command ran (an impatient Enter) is dropped before the prompt appears, never after.
        change(0, termios.TCSAFLUSH)

    def _read(self):
        self._wait_readable(0)
        try:
            typed = os.read(0, 4096)
        except OSError:
            typed = b""
        if not typed:
            raise Hangup
        return typed

    def _show(self, prompt):
        self._prompt = prompt
        self._write(prompt)

    def _write(self, text):
        sys.stdout.write(text)
        sys.stdout.flush()

    def _clear(self):
        plain = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
        self._write("\n" if plain else "\r\x1b[K")
