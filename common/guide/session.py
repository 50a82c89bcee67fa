"""Leads a reader through a lab at a terminal."""

import errno
import inspect
import signal

from . import verdict
from .predictions import BadAnswer, NotMeasured, comparison, measure, read_answer, shown
from .handout import Prediction, Prose, port_variable
from .outcome import BlockFailure, Leave
from .stage import Stage
from .terminal import Hangup, Keys, Screen


class _Quit(Exception):
    """The reader wants to leave; `status` is the guide's exit status."""

    def __init__(self, status=0):
        super().__init__()
        self.status = status


class Session:
    """One reader at one lab. Steps count from 1, as in `--from`."""

    def __init__(self, lab, handout, root, records):
        self.lab = lab
        self.handout = handout
        self.records = records
        self.screen = Screen()
        self.stage = Stage(handout, root, self._output)
        self.keys = None
        self._place = None

    def play(self, first=None):
        """Goes through the lab from step `first` (or where the reader stopped); returns the exit status."""
        place = self.records.progress().get(self.lab.name, {})
        resumed = (
            first is None
            and isinstance(place.get("step"), int)
            and 1 < place["step"] <= len(self.handout.steps)
        )
        first = first or (place["step"] if resumed else 1)
        with self.stage, Keys(self.stage.wait_readable) as self.keys:
            try:
                self._welcome(first, resumed)
                self._walk(first - 1)
            except _Quit as leaving:
                return leaving.status
            except (KeyboardInterrupt, Hangup):
                self._farewell()
                return 130
            except Leave as leaving:
                return 128 + leaving.number
            except OSError as error:
                if error.errno not in (errno.EIO, errno.EPIPE):
                    raise
                return 128 + signal.SIGHUP  # the terminal has gone in the middle of a word
        return 0

    def _welcome(self, first, resumed):
        steps = len(self.handout.steps)
        self.screen.say()
        self.screen.say(
            f"{self.lab.name}: about {self.handout.minutes} minutes, {steps} steps. You can stop at any time with q and go on later."
        )
        if resumed:
            self.screen.say(
                f"You were here before: going on at step {first}. (--restart begins anew, --from STEP goes to a step.)"
            )
        while (key := self._prompt((("enter", "start"), ("q", "quit")))) != "enter":
            if key == "q":
                raise _Quit
            self.screen.say("Hints come with the steps: Enter starts.")
        self.screen.say()
        self._place = first

    def _walk(self, index):
        steps = self.handout.steps
        while index < len(steps):
            self._place = index + 1
            self.records.reached(self.lab.name, index + 1, len(steps))
            index = max(self._step(index), 0)
        self.records.finished(self.lab.name, len(steps))
        self.screen.rule("the end")
        self.screen.say(f"You are through with {self.lab.name}.", "verdict")
        stored = self.records.predictions().get(self.lab.name, {})
        pairs = [
            entry
            for entry in stored.values()
            if entry.get("predicted") is not None and entry.get("measured") is not None
        ]
        for entry in pairs:
            self.screen.say(
                f"  {entry['question']}  {comparison(entry['predicted'], entry['measured'], entry['unit'])}"
            )

    def _step(self, index):
        """Shows one step; returns the index of the step to show next."""
        step = self.handout.steps[index]
        first = step.parts[0] if step.parts else None
        headed = isinstance(first, Prose) and first.text.startswith("#")
        where = "" if headed or not step.section else f" · {step.section}"
        self.screen.rule(f"step {step.number} of {len(self.handout.steps)}{where}")
        prose = []
        for part in step.parts:
            if isinstance(part, Prose):
                prose.append(part.text)
                continue
            self._show(prose)
            if isinstance(part, Prediction) and self._ask(part, step) == "b":
                return index - 1
        self._show(prose)
        return self._run_block(index, step) if step.block else self._read_on(index, step)

    def _output(self, source, line):
        """A line of output. A server may speak while a prompt stands there: the prompt moves below."""
        with self.keys.aside():
            self.screen.output(source, line)

    def _show(self, prose):
        if prose:
            self.screen.prose("\n\n".join(prose))
            prose.clear()

    # Keys

    def _prompt(self, keys):
        """Waits for one of the keys; `keys` are (key, what it does). `h` may always be pressed: it says if there is no hint."""
        names = " · ".join(f"{'Enter' if key == 'enter' else key} {what}" for key, what in keys)
        prompt = f"[{names}] "
        while True:
            key = self.keys.key(prompt)
            if key in dict(keys) or key == "h":
                return key
            self.screen.say(f"`{'Enter' if key == 'enter' else key}` does nothing here.", "quiet")

    def _navigate(self, index, step, own, skip_to=None):
        """Waits for one of the `own` keys, or for one that moves: returns ("key", …) or ("step", index)."""
        keys = list(own)
        if step.hints:
            keys.append(("h", "hint"))
        if index:
            keys.append(("b", "back"))
        keys.append(("q", "quit"))
        while True:
            key = self._prompt(keys)
            if key == "q":
                self._farewell()
                raise _Quit
            if key == "h":
                self._hint(step)
            elif key == "b":
                return "step", index - 1
            elif key == "s":
                return "step", skip_to
            else:
                return "key", key

    def _hint(self, step):
        for hint in step.hints:
            self.screen.prose("> Hint: " + inspect.cleandoc(hint).replace("\n", "\n> "))
        if not step.hints:
            self.screen.say("There is no hint for this step.")

    def _farewell(self):
        place = f" at step {self._place} of {len(self.handout.steps)}" if self._place else ""
        self.screen.say()
        self.screen.say(f"Stopped{place}. `make lab-{self.lab.number}` goes on from there.")

    # What a step does

    def _read_on(self, index, step):
        # Skipping prose means skipping what is left of its section.
        following = index + 1
        while following < len(self.handout.steps) and self.handout.steps[following].section == step.section:
            following += 1
        what, value = self._navigate(index, step, [("enter", "on"), ("s", "skip section")], following)
        return value if what == "step" else index + 1

    def _run_block(self, index, step):
        block = step.block
        self.screen.command(block.command, block.title)
        has_run = False
        while True:
            run = "start it" if block.server else "run it"
            own = [("enter", "on"), ("r", "run again")] if has_run else [("enter", run), ("s", "skip")]
            what, value = self._navigate(index, step, own, index + 1)
            if what == "step":
                return value
            if value == "enter" and has_run:
                return index + 1
            if has_run:
                self.screen.command(block.command, block.title)
            self._run(block)
            has_run = True

    def _run(self, block):
        missing = self.stage.unmet(block)
        if missing:
            self.screen.say(
                f"This machine has no {', '.join(missing)}: this command can't run. `make doctor` says how to get it.",
                "trouble",
            )
            return
        servers = {*self.stage.servers, *(server.server for server in self.stage.servers_used(block))}
        self.screen.begin_output(block.side_by_side, sorted(servers))
        try:
            result = self.stage.run(
                block, on_long=lambda: self.screen.say("(still running; Ctrl-C ends it)", "quiet")
            )
        except BlockFailure as failure:
            self.screen.say(f"{self.lab.shown_path}:{failure.line}: {failure}", "trouble")
            return
        except KeyboardInterrupt:
            self.screen.say("(ended by Ctrl-C)")
            return
        finally:
            self.screen.end_output()
        self.screen.say()
        if result.interrupted:
            self.screen.say(
                "(ended by Ctrl-C: nothing was measured)" if block.predictions else "(ended by Ctrl-C)"
            )
            return
        self._judge(block, result)

    def _judge(self, block, result):
        surprise = verdict.surprise(block, result)
        if surprise:
            self.screen.say("This isn't what the page expects: " + surprise[1], "trouble")
            self.screen.say()
        for prediction in block.predictions:
            try:
                measured = measure(prediction, result.lines)
            except NotMeasured as error:
                if surprise:
                    continue  # said already, and the cause of this
                self.screen.say(f"{self.lab.shown_path}:{prediction.line}: {error}", "trouble")
                continue
            self.records.measured(self.lab.name, prediction, measured, "reader")
            entry = self.records.predictions()[self.lab.name][prediction.id]
            sentence = comparison(entry["predicted"], measured, prediction.unit)
            self.screen.say(f"→ {prediction.question}", "quiet")
            self.screen.say(f"  {sentence[0].upper()}{sentence[1:]}.", "verdict")
            self.screen.say()
        if block.server:
            variable = port_variable(block.server)
            self.screen.say(
                f"{block.server} runs until you leave the lab; its port is in ${variable}.", "quiet"
            )
            self.screen.say()

    def _ask(self, prediction, step):
        """Asks for a prediction, once: the first answer stands. Returns "b" when the reader wants to go back."""
        entry = self.records.predictions().get(self.lab.name, {}).get(prediction.id, {})
        self.screen.say(f"? {prediction.question}", "bold")
        if entry.get("predicted") is not None:
            self.screen.say(f"  Your prediction: {shown(entry['predicted'], prediction.unit)}")
            self.screen.say()
            return None
        for number, choice in enumerate(prediction.choices, 1):
            self.screen.say(f"  {number}  {choice}")
        wanted = (
            f"1 to {len(prediction.choices)}" if prediction.choices else f"a number, in {prediction.unit}"
        )
        while True:
            answer = self.keys.line(f"  Your prediction ({wanted}; Enter passes over): ")
            own = answer.lower() not in map(str.lower, prediction.choices)
            if own and answer in ("q", "b", "h", "s"):
                if answer == "q":
                    self._farewell()
                    raise _Quit
                if answer == "b":
                    return "b"
                if answer == "h":
                    self._hint(step)
                    continue
                answer = ""
            try:
                value = read_answer(prediction, answer)
            except BadAnswer as error:
                self.screen.say(f"  {error}")
                continue
            if value is not None:
                self.records.predicted(self.lab.name, prediction, value)
            self.screen.say()
            return None
