"""How long a lab takes: reading its page and what its commands print, waiting for them, thinking before its questions."""

# Silent reading of prose is about 240 words a minute (M. Brysbaert, Journal of Memory and Language 109, 2019); of a page
# with code and figures less.
WORDS_A_MINUTE = 190
SECONDS_A_QUESTION = 20
# Of a long output nobody reads more.
OUTPUT_WORDS = 80


def minutes(page, outputs, seconds, questions):
    """The time for a page (its text), its commands' outputs (lists of lines), their run time, and its questions."""
    words = len(page.split()) + sum(min(len(" ".join(lines).split()), OUTPUT_WORDS) for lines in outputs)
    return words / WORDS_A_MINUTE + (seconds + questions * SECONDS_A_QUESTION) / 60


def is_honest(said, taken):
    """True if the page's minutes are those that it takes, to five minutes or a quarter."""
    return abs(said - taken) <= max(5, taken / 4)
