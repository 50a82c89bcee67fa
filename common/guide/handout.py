"""Reads a lab's README.md into steps: prose, predictions, the command block that ends the step, and what it should print."""

import re
from pathlib import Path

from . import annotations
from .annotations import HandoutError, Malformed
from .markdown_blocks import Comment, Fence, Heading, Text, blocks
from .steps import Block, Handout, Prediction, Prose, Step, port_variable

RUN_LANGUAGES = ("sh", "bash")
BLOCK_FIELDS = (
    "title",
    "server",
    "expect-exit",
    "timeout",
    "side-by-side",
    "needs",
    "may-end",
    "no-run",
    "by-hand",
    "wide",
)
PREDICT_FIELDS = ("id", "question", "pattern", "unit", "choices")

# A page of prose that fits a terminal of 24 lines together with the heading above and the keys below.
PAGE_LINES = 15


def read_handout(path, shown_as=None):
    """Parses the handout at `path`; raises HandoutError with the place and the cause. `shown_as` names it in messages."""
    shown_as = str(shown_as or path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise HandoutError(shown_as, 1, f"can't read it: {error.strerror}") from None
    except UnicodeDecodeError:
        raise HandoutError(shown_as, 1, "is not UTF-8 text") from None
    return _Builder(shown_as).build(text)


class _Builder:
    """Collects the blocks of the page into steps."""

    def __init__(self, path):
        self.path = path
        self.title = None
        self.minutes = None
        self.section = ""
        self.steps = []
        self.step = None
        self.height = 0
        self.pending = []  # predictions that wait for their block
        self.ids = set()
        self.by_hand = []  # the text of the page that no one runs: here it says how to set a port by hand
        self.block_open = False  # a command block was the last thing: an `output` block may follow

    def build(self, text):
        line = 1
        try:
            for block in blocks(text):
                line = block.line
                getattr(self, "_" + type(block).__name__.lower())(block)
                self.block_open = bool(self.step and self.step.block and self.step.block.line == block.line)
            self._close(line)
        except Malformed as error:
            raise HandoutError(self.path, getattr(error, "line", None) or line, error) from None
        return Handout(self.path, self.title, self.minutes, self.steps)

    def _new_step(self, line):
        self.step = Step(len(self.steps) + 1, line, self.section)
        self.steps.append(self.step)
        self.height = 0

    def _heading(self, heading):
        self._require_what_was_announced()
        if self.pending:
            raise Malformed(f"the prediction `{self.pending[0].id}` has no command block before this heading")
        self.section = heading.text
        self.title = self.title or heading.text
        only_headings = self.step and not self.step.block and not self.height and not self.step.hints
        if not only_headings:
            self._new_step(heading.line)
        self.step.section = heading.text
        self.step.parts.append(Prose(heading.line, heading.raw))

    def _text(self, text):
        if re.search(r"<!--\s*(%s)\b" % "|".join(annotations.COMMENTS), text.raw):
            raise Malformed("an annotation starts on a line of its own")
        self.by_hand.append(text.raw)
        self._prose(text.line, text.raw, text.height)

    def _prose(self, line, raw, height):
        overflow = self.step and self.height and self.height + height > PAGE_LINES and not self.pending
        if not self.step or self.step.block or overflow:
            self._new_step(line)
        self.step.parts.append(Prose(line, raw))
        self.height += height

    def _comment(self, comment):
        kind, rest = annotations.comment_kind(comment.text)
        if kind == "lab":
            minutes = annotations.fields(rest, ("minutes",), ("minutes",))["minutes"]
            if self.minutes is not None:
                raise Malformed("`lab minutes=…` is given twice")
            if not minutes.isdigit() or not 0 < int(minutes) <= 600:
                raise Malformed("`minutes` takes a whole number from 1 to 600")
            self.minutes = int(minutes)
        elif kind == "hint":
            if not rest:
                raise Malformed("the hint is empty")
            self._ensure_open_step(comment.line)
            self.step.hints.append(rest)
        elif kind == "predict":
            prediction = self._prediction(comment.line, rest)
            self._ensure_open_step(comment.line)
            self.step.parts.append(prediction)
            self.pending.append(prediction)

    def _ensure_open_step(self, line):
        if not self.step or self.step.block:
            self._new_step(line)

    def _prediction(self, line, text):
        found = annotations.fields(text, PREDICT_FIELDS, ("id", "question", "pattern"))
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", found["id"]):
            raise Malformed("`id` is made of a-z, 0-9 and -")
        if found["id"] in self.ids:
            raise Malformed(f"the prediction `{found['id']}` is there twice")
        self.ids.add(found["id"])
        if ("unit" in found) == ("choices" in found):
            raise Malformed('a prediction takes either `unit=…` (a number) or `choices="a|b"`')
        try:
            pattern = re.compile(found["pattern"], re.MULTILINE)
        except re.error as error:
            raise Malformed(f"`pattern` is no regular expression: {error}") from None
        if pattern.groups != 1:
            raise Malformed(f"`pattern` needs exactly one capture ( ), it has {pattern.groups}")
        if not found.get("unit", "ms").strip():
            raise Malformed("`unit` takes a word like ms")
        choices = tuple(
            choice.strip() for choice in str(found.get("choices", "")).split("|") if choice.strip()
        )
        if "choices" in found and len({choice.lower() for choice in choices}) < 2:
            raise Malformed("`choices` takes at least two different answers, separated by |")
        if any(choice.isdigit() for choice in choices):
            raise Malformed("a choice can't be a number: a typed number chooses by its place in the list")
        if found.get("unit") is True:
            raise Malformed("`unit=…` is missing its value")
        return Prediction(line, found["id"], found["question"], pattern, found.get("unit"), choices)

    def _fence(self, fence):
        if fence.language == "output":
            self._expected(fence)
            return
        found = (
            annotations.fields(fence.info, BLOCK_FIELDS)
            if fence.language in RUN_LANGUAGES
            else {"no-run": True}
        )
        only_shown = annotations.flag(found, "no-run")
        by_hand = annotations.flag(found, "by-hand")
        if only_shown or by_hand:
            self.by_hand.append(fence.body)
        if by_hand:
            self._drop_introduction()  # for the reader of the page; the guide does it itself
            return
        if only_shown:
            self._prose(fence.line, f"```{fence.language}\n{fence.body}\n```", fence.body.count("\n") + 3)
            return
        if not fence.body.strip():
            raise Malformed("the command block is empty")
        self._ensure_open_step(fence.line)
        self.step.block = self._block(fence, found)
        self.pending = []

    def _drop_introduction(self):
        """A paragraph that ends with a colon has said what comes now; the guide shows neither."""
        if self._announces():
            self.height -= Text(0, self.step.parts.pop().text).height

    def _announces(self):
        last = self.step.parts[-1] if self.step and not self.step.block and self.step.parts else None
        return isinstance(last, Prose) and last.text.rstrip("*_ ").endswith(":")

    def _require_what_was_announced(self):
        if self._announces():
            line = self.step.parts[-1].line
            raise HandoutError(self.path, line, "this paragraph ends with a colon, and nothing follows")

    def _block(self, fence, found):
        server = found.get("server")
        if server is not None and not re.fullmatch(r"[a-z][a-z0-9-]*", str(server)):
            raise Malformed("`server` takes a name made of a-z, 0-9 and -, as in server=select")
        if server and (self.pending or "expect-exit" in found or "side-by-side" in found):
            raise Malformed("a server block takes no prediction, no `expect-exit` and no `side-by-side`")
        if "may-end" in found and not server:
            raise Malformed("`may-end` belongs to a server block")
        status = found.get("expect-exit", "0")
        if status != "any" and not (str(status).isdigit() and int(status) <= 255):
            raise Malformed("`expect-exit` takes 0 to 255, or any")
        if found.get("title") is True:
            raise Malformed("`title=…` is missing its value")
        return Block(
            line=fence.line,
            command=fence.body,
            title=found.get("title"),
            server=server,
            expect_exit=None if status == "any" else int(status),
            timeout=annotations.seconds(found, "timeout"),
            side_by_side=annotations.flag(found, "side-by-side"),
            needs=annotations.word_list(found, "needs"),
            may_end=annotations.flag(found, "may-end"),
            wide=annotations.flag(found, "wide"),
            predictions=tuple(self.pending),
        )

    def _expected(self, fence):
        if not self.block_open:
            raise Malformed("an `output` block stands right below the command block that it belongs to")
        if fence.info.strip():
            raise Malformed(f"`output` takes nothing more, not `{fence.info.strip()}`")
        block = self.step.block
        lines = tuple(line.rstrip() for line in fence.body.split("\n")) if fence.body else ()
        self.step.block = Block(**{**vars(block), "expected": lines, "expected_line": fence.line + 1})

    def _close(self, line):
        self._require_what_was_announced()
        if self.pending:
            raise HandoutError(self.path, self.pending[0].line, "no command block follows this prediction")
        if self.title is None:
            raise HandoutError(self.path, 1, "the page has no heading; it starts with `# Lab NN: …`")
        if self.minutes is None:
            raise HandoutError(
                self.path, 1, "the page doesn't say how long it takes: add `<!-- lab minutes=15 -->`"
            )
        by_hand = "\n".join(self.by_hand)
        for block in (step.block for step in self.steps if step.block and step.block.server):
            variable = port_variable(block.server)
            if f"export {variable}=" not in by_hand:
                message = f"the page must say how to set ${variable} by hand: `export {variable}=…` (in the text, or in a block marked by-hand)"
                raise HandoutError(self.path, block.line, message)
