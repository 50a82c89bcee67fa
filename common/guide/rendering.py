"""Markdown as a terminal shows it: rich's, with headings at the left, tables, and code that suits any background."""

import re

from rich import box
from rich.console import Group
from rich.markdown import CodeBlock, Heading, Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

THEME = Theme(
    {
        "markdown.h1": "bold",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.code": "bold cyan",
        "markdown.block_quote": "italic",
        "markdown.link_url": "cyan",
        "command": "bold",
        "server": "magenta",
        "verdict": "bold green",
        "trouble": "bold red",
        "quiet": "dim",
    }
)


class _LeftHeading(Heading):
    """rich centres headings and frames the first; at 80 columns that shouts."""

    def __rich_console__(self, console, options):
        self.text.justify = "left"
        yield self.text


class _PlainCode(CodeBlock):
    """Code without a background of its own, indented."""

    def __rich_console__(self, console, options):
        code = Syntax(
            str(self.text).rstrip(),
            self.lexer_name,
            theme="ansi_dark",
            background_color="default",
            word_wrap=True,
        )
        # Syntax with a padding of its own loses what it wraps (rich 13.3).
        yield Padding(code, (0, 4))


class _Page(Markdown):
    elements = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _PlainCode,
        "code_block": _PlainCode,
    }


def page(text):
    """A rich renderable for Markdown text, tables included (Debian's rich doesn't know them)."""
    parts = []
    plain = []
    for paragraph in _paragraphs(text):
        table = _table(paragraph)
        if table is None:
            plain.append(paragraph)
            continue
        if plain:
            parts += [_markdown("\n\n".join(plain)), Text()]
        parts += [table, Text()]
        plain = []
    if plain:
        parts.append(_markdown("\n\n".join(plain)))
    elif parts:
        parts.pop()  # the blank line after a table at the end
    return Group(*parts)


def _markdown(text):
    # hyperlinks=False: the address is printed, for terminals where nothing can be clicked.
    return _Page(text, hyperlinks=False)


def _paragraphs(text):
    """Splits at blank lines, but never inside a fenced block."""
    paragraph, fence = [], None
    for line in text.split("\n"):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = None
        if line.strip() or fence:
            paragraph.append(line)
        elif paragraph:
            yield "\n".join(paragraph)
            paragraph = []
    if paragraph:
        yield "\n".join(paragraph)


def _table(paragraph):
    lines = paragraph.split("\n")
    if (
        len(lines) < 2
        or "|" not in lines[0]
        or not re.fullmatch(r"\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*", lines[1])
    ):
        return None
    header, alignment, *rows = (_cells(line) for line in lines)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for cell, rule in zip(header, alignment):
        table.add_column(
            _inline(cell), justify="right" if rule.endswith(":") and not rule.startswith(":") else "left"
        )
    for row in rows:
        table.add_row(*[_inline(cell) for cell in row[: len(header)]])
    return table


def _cells(line):
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _inline(cell):
    """A cell's text: the marks of code and emphasis turned into styles."""
    text = Text()
    for part in re.split(r"(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)]+\))", cell):
        if part.startswith("`"):
            text.append(part[1:-1], "markdown.code")
        elif part.startswith("**"):
            text.append(part[2:-2], "bold")
        elif part.startswith("*") and len(part) > 2:
            text.append(part[1:-1], "italic")
        elif part.startswith("[") and part.endswith(")"):
            label, _, address = part[1:-1].partition("](")
            text.append(f"{label} ({address})")
        else:
            text.append(part)
    return text
