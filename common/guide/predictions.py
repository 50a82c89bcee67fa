"""What a reader answers, what a run measures, and the sentence that sets the two side by side."""

import re


class BadAnswer(Exception):
    """An answer that the question doesn't allow; says what it does allow."""


class NotMeasured(Exception):
    """The block's output doesn't hold the value that the prediction asks for."""


def read_answer(prediction, text):
    """The reader's answer as a number or one of the choices; None for an empty one. Raises BadAnswer."""
    text = text.strip()
    if not text:
        return None
    if not prediction.choices:
        unit = prediction.unit
        number = _number(text[: -len(unit)] if text.lower().endswith(unit.lower()) else text)
        if number is None or number < 0:
            what = "no number" if number is None else "below zero"
            raise BadAnswer(
                f"`{text}` is {what}: type one like 250 or 2.5 (in {unit}), or nothing to pass over"
            )
        return number
    if (
        text.isdigit()
        and text.lower() not in map(str.lower, prediction.choices)
        and 0 < int(text) <= len(prediction.choices)
    ):
        return prediction.choices[int(text) - 1]
    same = [choice for choice in prediction.choices if choice.lower() == text.lower()]
    begins = same or [choice for choice in prediction.choices if choice.lower().startswith(text.lower())]
    if len(begins) != 1:
        raise BadAnswer(
            f"`{text}` is none of the answers: type 1 to {len(prediction.choices)}, or nothing to pass over"
        )
    return begins[0]


def measure(prediction, lines):
    """The value that the prediction's pattern finds in the output: a number or one of the choices. Raises NotMeasured."""
    found = prediction.pattern.search("\n".join(lines))
    if not found or found[1] is None:
        raise NotMeasured(
            f"the prediction `{prediction.id}` finds nothing: no output matches {prediction.pattern.pattern}"
        )
    text = found[1].strip()
    if not prediction.choices:
        number = _number(text)
        if number is None:
            raise NotMeasured(f"the prediction `{prediction.id}` found `{text}`, which is no number")
        return number
    for choice in prediction.choices:
        if choice.lower() == text.lower():
            return choice
    raise NotMeasured(
        f"the prediction `{prediction.id}` found `{text}`, which is none of {', '.join(prediction.choices)}"
    )


def shown(value, unit=None):
    """A value for the reader: 2,003 ms; a choice as it is; an em dash for none."""
    if value is None:
        return "—"
    if isinstance(value, str):
        return value
    number = (
        f"{value:,.0f}"
        if value == int(value) or abs(value) >= 10_000
        else f"{value:,.4g}"
        if abs(value) < 1000
        else f"{value:,.1f}"
    )
    return f"{number} {unit}" if unit else number


def comparison(predicted, measured, unit=None):
    """The sentence after a run: "you said 5 ms, it was 2,003 ms (about 400 times as much)"."""
    it_was = shown(measured, unit)
    if predicted is None:
        return f"it was {it_was}"
    if predicted == measured:
        return f"you said {shown(predicted, unit)}, and so it was"
    sentence = f"you said {shown(predicted, unit)}, it was {it_was}"
    factor = ratio(predicted, measured)
    return f"{sentence} ({factor})" if factor else sentence


def ratio(predicted, measured):
    """How far apart two numbers are, in words; empty where a ratio says nothing."""
    if (
        isinstance(predicted, str)
        or isinstance(measured, str)
        or not predicted
        or not measured
        or predicted * measured < 0
    ):
        return ""
    factor = measured / predicted
    if 0.9 <= factor <= 1.1:
        return "well predicted"
    if factor >= 1.5:
        return f"{_rounded(factor)} times as much"
    if factor <= 1 / 1.5:
        return f"a factor of {_rounded(1 / factor)} less"
    return ""


def _rounded(factor):
    return f"{factor:.1f}" if factor < 10 else f"about {float(f'{factor:.2g}'):,.0f}"


def _number(text):
    text = text.strip().replace("_", "")
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", text):
        return None
    value = float(text)
    return int(value) if value == int(value) else value
