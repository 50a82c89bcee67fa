"""The words under a chart: what was left out, invalid or failed, and where the numbers come from."""

import re
from collections import Counter, defaultdict
from typing import Callable, Iterable

from plots.against_connections import points_by_server
from plots.order_statistics import median_interval
from plots.records import Experiment, Run
from plots.style import in_order


# So many repetitions it takes until the interval of a median leaves out the lowest and the highest.
FIRST_NARROWER = 9


def span(numbers: Iterable[float]) -> str:
    """One number, or the lowest to the highest of several: "14", "1 to 3", with thousands separators."""
    known = sorted({number for number in numbers if number is not None})
    if not known:
        return "unknown"
    low, high = (f"{number:,.10g}" for number in (known[0], known[-1]))
    return low if low == high else f"{low} to {high}"


def machine(experiment: Experiment) -> str:
    """On what the runs were made: the last line of every chart."""
    commit = experiment.fact("commit")
    return (
        f"kernel {experiment.fact('kernel')} · CPU {experiment.fact('cpu')}"
        f" · cores {experiment.fact('cores')} · commit {commit if commit == 'unknown' else commit[:12]}"
    )


def facts(experiment: Experiment) -> list[str]:
    """How the runs were made, and on what: the two last lines of every chart about servers."""
    runs = experiment.runs
    repetitions = Counter(
        (
            run.server,
            run.connections,
            run.active,
            run.message_bytes,
            run.work_us,
            run.wait_us,
            run.all_cores,
            run.capacity_percent,
        )
        for run in runs
    )
    loops = " and ".join(sorted({run.loop or "unknown" for run in runs}))
    often = span(repetitions.values())
    idle = all(run.duration_s == 0 for run in runs)
    load = (
        "idle connections"
        if idle
        else (
            f"{loops} loop · messages of {span(run.message_bytes for run in runs)} bytes"
            f" · {span(run.duration_s for run in runs)} s a repetition"
        )
    )
    return [
        f"n = {often} repetition{'s' * (often != '1')} a point · {load}",
        machine(experiment),
    ]


def left_out_notes(experiment: Experiment) -> list[str]:
    """A line that says which servers the experiment left out and why, if any."""
    left_out = experiment.left_out()
    return [f"Left out: {'; '.join(left_out)}."] if left_out else []


def failure_words(failures: dict[str, int]) -> str:
    """Such as "1,204 refused, 3 errors"."""
    return ", ".join(f"{count:,} {kind}" for kind, count in failures.items())


def connections_of(run: Run) -> int:
    """What most charts have on their x axis."""
    return run.connections


def failure_notes(
    experiment: Experiment, x: Callable[[Run], int] = connections_of, unit: str = ""
) -> list[str]:
    """A line that says for each server what failed, and at how many connections (or `x`), if anything did."""
    stated = []
    for server, points in points_by_server(experiment, x).items():
        places = [
            f"{failure_words(point.failures())} at {point.connections:,}{unit}"
            for point in points
            if point.failures()
        ]
        if places:
            stated.append(f"{server}: {', '.join(places)}")
    if not stated:
        return []
    return [
        "Red cross: failed requests, summed over the repetitions (at the upper edge: nothing was "
        f"measured). {'; '.join(stated)}."
    ]


def kind_of(reason: str) -> str:
    """A reason without its figures, which differ from one repetition to the next."""
    kind = re.sub(r"took \d+ % of the (?=time)", "took too much ", reason.partition(":")[0])
    return re.sub(r"took \d+ % of", "took too much of", kind) or "no reason recorded"


def _bar(experiment: Experiment, x: Callable[[Run], int]) -> str:
    """What the bars are, by how many valid repetitions they stand on; nothing where no point has two."""
    counts = {
        valid
        for points in points_by_server(experiment, x).values()
        for point in points
        if (valid := sum(run.valid for run in point.runs)) > 1
    }
    if not counts:
        return ""
    confidences = [round(median_interval([0.0] * count).confidence * 100) for count in counts]
    between = "lowest to highest" if max(counts) < FIRST_NARROWER else "order statistics"
    return f"bar: {between}, which holds the true median with {span(confidences)} % (n = {span(counts)}); "


def untold_notes(experiment: Experiment, x: Callable[[Run], int], unit: str, **columns: str) -> list[str]:
    """A line for each of these percentiles (column=name) that says where too few requests stood behind it, if anywhere."""
    notes = []
    for column, name in columns.items():
        places = []
        for server, points in points_by_server(experiment, x).items():
            short = [
                f"{p.connections:,}{unit}" for p in points if p.values("p50_us") and not p.values(column)
            ]
            if short:
                places.append(f"{server} at {', '.join(short)}")
        if places:
            notes.append(f"No {name}, since too few requests stood behind it: {'; '.join(places)}.")
    return notes


def point_notes(
    experiment: Experiment, x: Callable[[Run], int] = connections_of, unit: str = ""
) -> list[str]:
    """What the marks of a chart over connections (or `x`) mean, where they occur, and who was left out."""
    notes = [f"Line: median of the repetitions; {_bar(experiment, x)}small points: each repetition."]
    servers_of = defaultdict(list)
    for run in experiment.runs:
        if not run.valid:
            servers_of[kind_of(run.invalid_reason)].append(run.server)
    for reason, servers in sorted(servers_of.items()):
        which = ", ".join(f"{server} {servers.count(server)}" for server in in_order(servers))
        notes.append(f"Hollow: invalid, in no median: {reason} (repetitions: {which}).")
    marks = lone_notes(experiment, x, unit) + failure_notes(experiment, x, unit)
    return notes + marks + left_out_notes(experiment)


def lone_notes(experiment: Experiment, x: Callable[[Run], int] = connections_of, unit: str = "") -> list[str]:
    """A line that names the points of which a single repetition was valid, if any."""
    lone = []
    for server, points in points_by_server(experiment, x).items():
        places = [f"{point.connections:,}{unit}" for point in points if point.stands_alone]
        if places:
            lone.append(f"{server} at {' and '.join(places)}")
    if not lone:
        return []
    return [f"Ring: a single valid repetition, so its spread is unknown: {', '.join(lone)}."]
