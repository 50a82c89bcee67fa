"""Cuts a Markdown page into headings, paragraphs, fenced blocks and comments, each with its line number."""

import math
import re
import textwrap
from dataclasses import dataclass

from .annotations import Malformed

COLUMNS = 78

_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*([^\s`]*)(?:\s+([^`]*))?$")
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")


@dataclass(frozen=True)
class Heading:
    line: int
    text: str
    raw: str


@dataclass(frozen=True)
class Fence:
    line: int
    language: str
    info: str
    body: str


@dataclass(frozen=True)
class Comment:
    line: int
    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph, a list or a table; `height` is about how many lines it takes in a terminal."""

    line: int
    raw: str

    @property
    def height(self):
        lines = self.raw.split("\n")
        if any(re.match(r"\s*([-*+|>]|\d+\.)", line) for line in lines):
            return len(lines) + 1
        return math.ceil(len(self.raw) / COLUMNS) + 1


def blocks(text):
    """Yields the blocks of a page in order; raises Malformed (with `line`) where a fence or a comment never ends."""
    lines = text.split("\n")
    paragraph = []
    number = 0
    while number < len(lines):
        line = lines[number]
        start = number + 1
        fence = _FENCE.match(line)
        heading = _HEADING.match(line)
        comment = re.match(r"^\s*<!--", line)
        if paragraph and (fence or heading or comment or not line.strip()):
            yield _text(start, paragraph)
            paragraph = []
        if fence:
            number, body = _fence_body(lines, number, fence)
            yield Fence(start, fence[3], fence[4] or "", body)
        elif heading:
            yield Heading(start, heading[2], line.strip())
        elif comment:
            number, inner, rest = _comment_body(lines, number)
            yield Comment(start, inner)
            if rest.strip():
                paragraph.append(rest)
        elif line.strip():
            paragraph.append(line)
        number += 1
    if paragraph:
        yield _text(len(lines) + 1, paragraph)


def _text(next_line, paragraph):
    return Text(next_line - len(paragraph), "\n".join(paragraph))


def _malformed(line, message):
    error = Malformed(message)
    error.line = line
    return error


def _fence_body(lines, number, opening):
    closing = re.compile(r"^\s*%s{%d,}\s*$" % (re.escape(opening[2][0]), len(opening[2])))
    for end in range(number + 1, len(lines)):
        if closing.match(lines[end]):
            return end, textwrap.dedent("\n".join(lines[number + 1 : end])) if opening[1] else "\n".join(
                lines[number + 1 : end]
            )
    raise _malformed(number + 1, f"this {opening[2]} block is never closed")


def _comment_body(lines, number):
    for end in range(number, len(lines)):
        if "-->" in lines[end]:
            inner, _, rest = "\n".join(lines[number : end + 1]).partition("-->")
            return end, inner.partition("<!--")[2].strip(), rest
    raise _malformed(number + 1, "this <!-- comment is never closed")
