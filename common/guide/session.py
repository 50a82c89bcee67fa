"""Leads a reader through a lab at a terminal."""

import errno
import signal

from . import verdict
from .steps import Prediction, Prose, port_variable
from .keys import Hangup
from .outcome import BlockFailure, Leave
from .predictions import NotMeasured, comparison, measure, shown
from .reader import Quit, Reader
from .score import end_table, score
from .stage import Stage


class Session:
    """One reader at one lab. Steps count from 1, as in `--from`."""

    def __init__(self, lab, handout, root, records):
        self.lab = lab
        self.handout = handout
        self.records = records
        self.stage = Stage(handout, root, self._hear)
        self.reader = Reader(self.stage.wait_readable)
        self.screen = self.reader.screen
        self._place = None
        self._passed_over = {}  # blocks that the reader skipped and nobody has spoken of: step → title

    def play(self, first=None):
        """Goes through the lab from step `first` (or where the reader stopped); returns the exit status."""
        place = self.records.progress().get(self.lab.name, {})
        resumed = (
            first is None
            and isinstance(place.get("step"), int)
            and 1 < place["step"] <= len(self.handout.steps)
        )
        first = first or (place["step"] if resumed else 1)
        with self.stage, self.reader:
            try:
                self._welcome(first, resumed)
                self._walk(first - 1)
            except Quit:
                self._farewell()
                return 0
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

    def _hear(self, source, line):
        self.reader.hear(source, line)

    def _welcome(self, first, resumed):
        number, steps = self.lab.number, len(self.handout.steps)
        self.screen.say()
        self.screen.say(
            f"{self.lab.name}: about {self.handout.minutes} minutes, {steps} steps. You can stop at any time with q and go on later."
        )
        if resumed:
            self.screen.say(
                f"You were here before: going on at step {first}. (`make lab-{number} RESTART=1` begins anew, FROM=STEP goes to a step.)"
            )
        self.reader.choose((("enter", "start"), ("q", "quit")))
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
        entries = self.records.predictions().get(self.lab.name, {})
        table = end_table(self.handout, entries)
        if table is not None:
            self.screen.say()
            self.screen.table(table)
            self.screen.say(score(self.handout, entries))

    def _step(self, index):
        """Shows one step; returns the index of the step to show next."""
        step = self.handout.steps[index]
        first = step.parts[0] if step.parts else None
        headed = isinstance(first, Prose) and first.text.startswith("#")
        where = "" if headed or not step.section else f" · {step.section}"
        self.screen.rule(f"step {step.number} of {len(self.handout.steps)}{where}")
        self._say_what_was_passed_over(step.number)
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

    def _say_what_was_passed_over(self, number):
        before = [step for step in self._passed_over if step < number]
        if not before:
            return
        names = " and ".join(
            f"step {step}" + (f" ({self._passed_over[step]})" if self._passed_over[step] else "")
            for step in before
        )
        self.screen.say(
            f"You passed over the experiment of {names}: what follows explains results that you haven't seen. b goes back to it.",
            "trouble",
        )
        self.screen.say()
        for step in before:
            del self._passed_over[step]

    def _show(self, prose):
        if prose:
            self.screen.prose("\n\n".join(prose))
            prose.clear()

    def _navigate(self, index, step, own, skip_to=None):
        """Waits for one of the `own` keys, or for one that moves: returns ("key", …) or ("step", index)."""
        keys = [*own, ("h", "hint")] if step.hints else list(own)
        if index:
            keys.append(("b", "back"))
        keys.append(("q", "quit"))
        while True:
            key = self.reader.choose(keys)
            if key == "h":
                self.reader.hint(step.hints)
            elif key == "c":
                self.screen.alone(step.block.command)
            elif key == "b":
                return "step", index - 1
            elif key == "s":
                self._pass_over(index, skip_to)
                return "step", skip_to
            else:
                return "key", key

    def _pass_over(self, index, skip_to):
        for step in self.handout.steps[index:skip_to]:
            if step.block and not step.block.server:  # a server is started when it is needed
                self._passed_over[step.number] = step.block.title

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
            what, value = self._navigate(index, step, [*own, ("c", "copy")], index + 1)
            if what == "step":
                return value
            if value == "enter" and has_run:
                return index + 1
            if has_run:
                self.screen.command(block.command, block.title)
            self._run(block)
            self._passed_over.pop(step.number, None)
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
            self.stage.drop_output()
            self.screen.say("(ended by Ctrl-C)")
            return
        finally:
            self.screen.end_output()
        surprise = verdict.surprise(block, result)
        if not result.lines and not result.interrupted:
            as_expected = "" if surprise else ", as expected"
            self.screen.say(f"(it printed nothing: exit {result.status}{as_expected})", "quiet")
        self.screen.say()
        if result.interrupted:
            self.screen.say(
                "(ended by Ctrl-C: nothing was measured)" if block.predictions else "(ended by Ctrl-C)"
            )
            return
        self._judge(block, result, surprise)

    def _judge(self, block, result, surprise):
        if surprise:
            self.screen.say("This isn't what the page expects: " + surprise[1], "trouble")
            self.screen.say()
        if verdict.is_disturbed(result.lines) and block.predictions:
            self.screen.say(
                "The figures are INVALID, so they are not set beside your guess: r runs it again.", "trouble"
            )
            self.screen.say()
            return
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
        if entry.get("predicted") is not None:
            self.screen.say(f"? {prediction.question}", "bold")
            self.screen.say(f"  Your prediction: {shown(entry['predicted'], prediction.unit)}")
            self.screen.say()
            return None
        while (answer := self.reader.ask(prediction, ("q", "b", "h"))) == ("key", "h"):
            self.reader.hint(step.hints)
        if answer == ("key", "q"):
            raise Quit
        if answer == ("key", "b"):
            return "b"
        if answer is not None:
            self.records.predicted(self.lab.name, prediction, answer)
        self.screen.say()
        return None
