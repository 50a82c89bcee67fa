"""Is a block's result what the handout says?"""

import re

from rich.cells import cell_len

from .expected import difference

COLUMNS = 78  # behind the gutter of an output line, in a terminal of 80

# Source code is as wide as it is; the reader's screen folds it.
_SHOWS_SOURCE = re.compile(r"\b(sed|diff|grep|awk|cat)\b('[^']*'|[^|'])*\blabs/")


def surprise(block, result):
    """None when the result is as the page says; else (line of the handout, what is different)."""
    if result.timed_out:
        return (
            block.line,
            f"still running after {result.seconds:.0f} s, so it was killed (`timeout=…` allows more)",
        )
    if block.expect_exit is not None and result.status != block.expect_exit and not block.server:
        wanted = f", expected {block.expect_exit}" if block.expect_exit else ""
        return block.line, f"exit {_meaning(result.status)}{wanted}"
    if block.expected is not None:
        found = difference(block.expected, result.lines)
        if found:
            index, text = found
            return (
                block.expected_line + index,
                f"the output differs from the page (- page, + output):\n{text}",
            )
    return None


def is_disturbed(lines):
    """True if `harness load` has said that its figures are no measurement. That clients were lost may be what is looked at."""
    said = " ".join(line.strip().removeprefix("figures").strip() for line in lines if "figures  " in line)
    return any("clients were lost" not in reason for reason in said.split("INVALID: ")[1:])


def too_wide(block, lines):
    """None when every line fits a terminal; else what doesn't."""
    widest = max(lines, key=cell_len, default="")
    if block.wide or _SHOWS_SOURCE.search(block.command) or cell_len(widest) <= COLUMNS:
        return None
    return f"a line of its output takes {cell_len(widest)} columns, more than {COLUMNS} (`wide` allows it):\n    {widest}"


def _meaning(status):
    if status == 127:
        return "127 (command not found)"
    return f"{status} (signal {status - 128})" if 128 < status < 160 else str(status)
