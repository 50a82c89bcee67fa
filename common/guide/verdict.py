"""Is a block's result what the handout says?"""

from .expected import difference


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


def _meaning(status):
    if status == 127:
        return "127 (command not found)"
    return f"{status} (signal {status - 128})" if 128 < status < 160 else str(status)
