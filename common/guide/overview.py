"""The tables about all labs: how far the reader is, and predictions beside measured values."""

from rich import box
from rich.table import Table

from .annotations import HandoutError
from .handout import read_handout
from .predictions import ratio, shown


def _table(*columns):
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in ("minutes", "you said", "it was") else "left", overflow="fold")
    return table


def progress_table(labs, records):
    """A row a lab: done, started (and where), or open."""
    table = _table("lab", "title", "minutes", "state")
    progress = records.progress()
    for lab in labs:
        try:
            handout = read_handout(lab.path, lab.shown_path)
            title, minutes = handout.title, str(handout.minutes)
        except HandoutError as error:
            title, minutes = str(error), "?"
        table.add_row(lab.name, title, minutes, _state(progress.get(lab.name)))
    return table


def _state(place):
    if not place:
        return "open"
    at = f"step {place.get('step')} of {place.get('steps')}"
    if place.get("done"):
        return "done" if place.get("step") == 1 else f"done; again at {at}"
    return f"started: {at}"


def summary_table(records):
    """The predictions beside what was measured; None when there are none."""
    predictions = records.predictions()
    table = _table("lab", "question", "you said", "it was", "")
    for lab in sorted(predictions):
        for entry in predictions[lab].values():
            predicted, measured, unit = entry.get("predicted"), entry.get("measured"), entry.get("unit")
            if predicted is None and measured is None:
                continue
            table.add_row(lab[:2], entry.get("question", ""), shown(predicted, unit), shown(measured, unit), _word(predicted, measured))
    return table if table.row_count else None


def _word(predicted, measured):
    if predicted is None or measured is None:
        return ""
    return "right" if predicted == measured else ratio(predicted, measured)
