"""The keys that a reader presses, and the lines that he types."""

import contextlib
import os
import re
import sys
import termios
import tty

# A letter counts as a key once nothing has followed it for so long: who types a word types faster.
ALONE_SECONDS = 0.5

_ESCAPES = re.compile(rb"\x1b[\[O]?[0-9;]*.?")


class Hangup(Exception):
    """The terminal has gone, or the reader pressed Ctrl-D."""


class Keys:
    """Single key presses and typed lines from descriptor 0.

    They are read through `wait_readable(descriptor, seconds)`, so that servers are heard too. A prompt may have several lines,
    none wider than the terminal.
    """

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

    @property
    def prompting(self):
        """True while a prompt stands on the screen."""
        return bool(self._prompt)

    def key(self, prompt):
        """Shows the prompt and returns what was pressed: "enter", a letter or digit, or a whole word, in lower case."""
        self._set(tty.setcbreak)
        self._show(prompt)
        try:
            while not (pressed := self._word()):
                pass
            return pressed
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

    def _word(self):
        """What is typed in one go; empty for keys that say nothing (arrows)."""
        typed = _ESCAPES.sub(b"", self._read())
        if not typed:
            return ""
        if typed[:1] in (b"\r", b"\n", b" "):
            return "enter"
        while not typed.endswith((b"\r", b"\n")) and self._wait_readable(0, ALONE_SECONDS):
            typed += self._read()
        word = typed.decode("utf-8", "replace").strip().lower()
        return word if word.isprintable() else ""

    def _set(self, change):
        # What was typed while a command ran (an impatient Enter) is dropped before the prompt appears, never after.
        change(0, termios.TCSAFLUSH)

    def _read(self):
        self._wait_readable(0)
        try:
            typed = os.read(0, 4096)
        except OSError:
            typed = b""
        if not typed or b"\x04" in typed:
            raise Hangup
        return typed

    def _show(self, prompt):
        self._prompt = prompt
        self._write(prompt)

    def _write(self, text):
        sys.stdout.write(text)
        sys.stdout.flush()

    def _clear(self):
        if os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
            self._write("\n")
            return
        self._write("\r\x1b[K" + "\x1b[A\x1b[K" * self._prompt.count("\n"))
