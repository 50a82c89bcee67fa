"""Compares a block's output with the `output` block of the handout, where `…` (or `...`) stands for what varies."""

import re

_WILDCARD = re.compile(r"…|\.\.\.")


def difference(expected, actual):
    """None when the output is as expected; else (index of the expected line that found no match, text that shows it).

    A line that is only `…` stands for any number of lines, `…` inside a line for any text.
    """
    actual = [line.rstrip() for line in actual]
    while actual and not actual[-1]:
        actual.pop()
    expected = list(expected)
    while expected and not expected[-1]:
        expected.pop()
    # The positions in `actual` that the expected lines so far can have led to.
    positions = {0}
    for index, line in enumerate(expected):
        if _WILDCARD.fullmatch(line.strip()):
            following = set(range(min(positions), len(actual) + 1))
        else:
            following = {at + 1 for at in positions if at < len(actual) and _matches(line, actual[at])}
        if not following:
            return index, _shown(expected[index], actual, min(positions))
        positions = following
    if len(actual) not in positions:
        return max(len(expected) - 1, 0), _shown("(nothing more)", actual, max(positions))
    return None


def _matches(line, actual):
    parts = [re.escape(part) for part in _WILDCARD.split(line)]
    return re.fullmatch(".*".join(parts), actual) is not None


def _shown(expected, actual, at):
    """The mismatch as a small diff: what came before, the line that the page shows (-), what came instead (+)."""
    before = [f"    {line}" for line in actual[max(at - 2, 0) : at]]
    came = [f"  + {line}" for line in actual[at : at + 3]] or ["  + (the output ends here)"]
    return "\n".join([*before, f"  - {expected}", *came])
