"""The end of a lab: what was asked, guessed and measured."""

from .overview import plain_table
from .predictions import ratio, shown

NEAR = 0.1


def end_table(handout, entries):
    """All questions of the lab, in order, beside what is known of them; None for a lab that asks nothing.

    `entries` are the lab's records: {id: {"predicted", "measured", …}}.
    """
    questions = _questions(handout)
    if not questions:
        return None
    table = plain_table("question", "you said", "it was", "off by")
    for question in questions:
        predicted, measured = _pair(entries, question)
        table.add_row(
            question.question,
            "passed over" if predicted is None else shown(predicted, question.unit),
            "not run" if measured is None else shown(measured, question.unit),
            _off_by(predicted, measured),
        )
    return table


def score(handout, entries):
    """One line: how many questions were answered, and how well."""
    questions = _questions(handout)
    pairs = [_pair(entries, question) for question in questions]
    answered = [pair for pair in pairs if pair[0] is not None]
    measured = [pair for pair in answered if pair[1] is not None]
    right = sum(_is_near(*pair) for pair in measured)
    line = f"{len(answered)} of {len(questions)} questions answered"
    if measured:
        line += f": {right} right (or within {NEAR:.0%}), {len(measured) - right} off"
    unknown = len(answered) - len(measured)
    return line + (f"; {unknown} not measured." if unknown else ".")


def _questions(handout):
    return [prediction for block in handout.blocks for prediction in block.predictions]


def _pair(entries, question):
    entry = entries.get(question.id, {})
    return entry.get("predicted"), entry.get("measured")


def _is_near(predicted, measured):
    if isinstance(predicted, str) or isinstance(measured, str):
        return predicted == measured
    return abs(predicted - measured) <= NEAR * abs(measured)


def _off_by(predicted, measured):
    if predicted is None or measured is None:
        return ""
    if predicted == measured:
        return "right"
    if isinstance(predicted, str) or isinstance(measured, str):
        return "another"
    difference = abs(predicted - measured)
    return ratio(predicted, measured) or (
        f"{difference / abs(measured):.0%}" if measured else shown(difference)
    )
