"""The reader at the terminal: what is shown to him, what he presses, what he answers."""

import inspect

from rich.cells import cell_len

from .keys import Keys
from .predictions import BadAnswer, read_answer
from .terminal import Screen, folded


class Quit(Exception):
    """The reader wants to leave."""


class Reader:
    """Use it with `with`: then the terminal gets its modes back. `wait_readable` as Keys wants it."""

    def __init__(self, wait_readable):
        self.screen = Screen(self._read_on)
        self._keys = Keys(wait_readable)

    def __enter__(self):
        self._keys.__enter__()
        return self

    def __exit__(self, *error):
        self._keys.__exit__(*error)

    def hear(self, source, line):
        """Shows a line of output. A server may speak while a prompt stands there: the prompt moves below."""
        with self._keys.aside():
            self.screen.output(source, line)

    def choose(self, keys):
        """Waits for one of the keys and returns it; `keys` are (key, what it does). "q" raises Quit."""
        allowed = dict(keys)
        while True:
            try:
                key = self._keys.key(self._prompt(keys))
            finally:
                self.screen.was_read()
            if key == "q" and key in allowed:
                raise Quit
            if key in allowed:
                return key
            names = ", ".join(_name(key) for key in allowed)
            self.screen.say(f"`{_name(key)}` does nothing here; these keys do: {names}.", "quiet")

    def ask(self, prediction, keys):
        """Asks for a prediction; returns its value, None for a question passed over, or one of `keys`, typed alone, as ("key", it)."""
        self.screen.say(f"? {prediction.question}", "bold")
        for number, choice in enumerate(prediction.choices, 1):
            self.screen.say(f"  {number}  {choice}")
        wanted = (
            f"1 to {len(prediction.choices)}" if prediction.choices else f"a number, in {prediction.unit}"
        )
        while True:
            prompt = folded(
                f"  Your prediction ({wanted}; Enter passes over):", self.screen.console.width - 1
            )
            answer = self._keys.line("\n".join(prompt) + " ")
            self.screen.was_read()
            if answer.lower() in keys and answer.lower() not in map(str.lower, prediction.choices):
                return "key", answer.lower()
            try:
                return read_answer(prediction, answer)
            except BadAnswer as error:
                self.screen.say(f"  {error}")

    def hint(self, hints):
        """Shows a step's hints, or that it has none."""
        for hint in hints:
            self.screen.prose("> Hint: " + inspect.cleandoc(hint).replace("\n", "\n> "))
        if not hints:
            self.screen.say("There is no hint for this step.")

    def _prompt(self, keys):
        """[Enter on · q quit], in lines that end between two keys."""
        lines = ["["]
        for place, (key, what) in enumerate(keys):
            item = f"{_name(key)} {what}" + (" · " if place + 1 < len(keys) else "] ")
            if cell_len(lines[-1] + item.rstrip()) > self.screen.console.width - 1:
                lines.append(" ")
            lines[-1] += item
        return "\n".join(lines)

    def _read_on(self):
        # What comes from a server while a prompt stands there is below what was read: no second prompt.
        if not self._keys.prompting:
            self.choose((("enter", "on"), ("q", "quit")))


def _name(key):
    return "Enter" if key == "enter" else key
