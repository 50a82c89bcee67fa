"""The tables about all labs: how far the reader is, predictions beside measured values, what a request costs each server."""

import csv
from pathlib import Path
from statistics import median

from rich import box
from rich.table import Table

from .annotations import HandoutError
from .handout import read_handout
from .predictions import ratio, shown


def plain_table(*columns):
    """A table without a frame, whose cells are folded; numbers stand at the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in ("minutes", "you said", "it was") else "left",
            overflow="fold",
        )
    return table


def progress_table(labs, records):
    """A row a lab: done, started (and where), or open."""
    table = plain_table("lab", "title", "minutes", "state")
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
    table = plain_table("lab", "question", "you said", "it was", "")
    for lab in sorted(predictions):
        for entry in predictions[lab].values():
            predicted, measured, unit = entry.get("predicted"), entry.get("measured"), entry.get("unit")
            if predicted is None and measured is None:
                continue
            table.add_row(
                lab.partition("-")[0],
                entry.get("question", ""),
                shown(predicted, unit),
                shown(measured, unit),
                _word(predicted, measured),
            )
    return table if table.row_count else None


def request_table(root):
    """System calls and context switches a request for each server, as results/system-calls has them; None if there is nothing.

    A pair of columns for each number of connections; "-" is for what was not measured.
    """
    try:
        with open(Path(root) / "results" / "system-calls" / "runs.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        points = sorted({int(row["connections"]) for row in rows})
        servers = dict.fromkeys(sorted(row["server"] for row in rows))
        cells = {
            key: [_calls_and_switches(row) for row in rows if (row["server"], int(row["connections"])) == key]
            for key in ((server, point) for server in servers for point in points)
        }
    except (OSError, KeyError, ValueError, csv.Error):
        return None  # no sweep yet, or records that are broken: drawing the charts names them
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("for each request", no_wrap=True)
    for point in points:
        for what in ("system calls", "switches"):
            table.add_column(f"{what}, {point} client{'s' * (point != 1)}", justify="right")
    for server in servers:
        values = [_typical(cell[i] for cell in cells[server, point]) for point in points for i in (0, 1)]
        table.add_row(server, *values)
    return table if servers else None


def _calls_and_switches(row):
    """Of one repetition; None for what was not measured."""
    calls = row["server_system_calls_per_request"]
    switches = (row["server_voluntary_switches"], row["server_involuntary_switches"])
    measured = all(switches) and row["requests"] not in ("", "0")
    return (
        float(calls) if calls else None,
        sum(map(int, switches)) / int(row["requests"]) if measured else None,
    )


def _typical(values):
    known = [value for value in values if value is not None]
    return f"{median(known):.2f}" if known else "-"


def _word(predicted, measured):
    if predicted is None or measured is None:
        return ""
    return "right" if predicted == measured else ratio(predicted, measured)
