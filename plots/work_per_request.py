"""When epoll loses: the requests that a server serves for each one of epoll's, against what a request costs epoll.

On the left each request blocks its server for a while, as on a slow disk; on the right it computes. One thread that
serves all waits or computes for one request at a time; a thread or a process for each connection overlaps the waiting,
and spreads the computing over the cores. Where the lines cross is computed, and written over each panel.

What a request costs is measured, not what was asked for: a sleep of 20 µs lasts much longer. epoll's one thread serves
one request after the other, so a request takes it a second divided by its requests a second.
"""

from collections.abc import Callable
from statistics import median
from typing import NamedTuple, Optional

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plots import caption, style
from plots.against_connections import (
    Point,
    all_values,
    draw_failures,
    draw_server,
    label_ends,
    points_by_server,
)
from plots.records import Experiment, Run

EXPERIMENT = "work-per-request"
CHART = "when-epoll-loses"
COLUMN = "requests_per_s"
BASE = "epoll"
# How much more than epoll's throughput counts as ahead: repetitions spread by some per cent.
AHEAD = 1.1


class Crossing(NamedTuple):
    """Where a server gets ahead of epoll for good: not yet at `before`, from `first` on; times as much at `last`."""

    server: str
    before: Optional[float]
    first: float
    last: float
    ratio: float


def by_measured_cost(
    experiment: Experiment, asked: Callable[[Run], int]
) -> tuple[dict[str, list[Point]], dict[float, int]]:
    """The points of an experiment by what a request took epoll, in microseconds, each run's throughput as the multiple of
    epoll's median; and what was asked for at each. What epoll has no valid repetition at is left out."""
    points = points_by_server(experiment, asked)
    rate = {
        point.connections: median(point.values(COLUMN))
        for point in points.get(BASE, [])
        if point.values(COLUMN)
    }
    relative = {
        server: [
            Point(
                1e6 / rate[point.connections],
                [
                    run._replace(
                        requests_per_s=run.requests_per_s and run.requests_per_s / rate[point.connections]
                    )
                    for run in point.runs
                ],
            )
            for point in of
            if rate.get(point.connections)
        ]
        for server, of in points.items()
    }
    return {server: of for server, of in relative.items() if of}, {1e6 / rate[cost]: cost for cost in rate}


def ratios(rival: list[Point], base: list[Point]) -> dict[float, float]:
    """For each cost that both have valid repetitions at: the rival's median throughput over the base's."""
    known = {point.connections: median(point.values(COLUMN)) for point in base if point.values(COLUMN)}
    return {
        point.connections: median(point.values(COLUMN)) / known[point.connections]
        for point in rival
        if point.values(COLUMN) and known.get(point.connections)
    }


def crossing(points: dict[str, list[Point]]) -> Optional[Crossing]:
    """The crossing of the server that is furthest ahead of epoll at the highest cost; None if none is ahead."""
    found = []
    for server in points:
        over = ratios(points[server], points.get(BASE, []))
        if server == BASE or not over or over[max(over)] < AHEAD:
            continue
        costs = sorted(over)
        behind = [cost for cost in costs if over[cost] < AHEAD]
        first = min(cost for cost in costs if not behind or cost > behind[-1])
        found.append(Crossing(server, behind[-1] if behind else None, first, costs[-1], over[costs[-1]]))
    return max(found, key=lambda one: one.ratio, default=None)


def lesson(points: dict[str, list[Point]]) -> str:
    """Who overtakes epoll, and where, in words that are computed from the medians."""
    if not any(ratios(points[server], points.get(BASE, [])) for server in points if server != BASE):
        return f"no valid points of {BASE} and another"
    return in_words(crossing(points))


def in_words(found: Optional[Crossing]) -> str:
    """Such as "thread-per-connection overtakes epoll (line break) between 0 and 20 µs; 7.1 times as many at 500 µs"."""
    if found is None:
        return f"no server with valid points overtakes {BASE}"
    where = (
        f"is ahead of {BASE}\nfrom {found.first:,.0f} µs on"
        if found.before is None
        else f"overtakes {BASE}\nbetween {found.before:,.0f} and {found.first:,.0f} µs"
    )
    return f"{found.server} {where}; {found.ratio:.1f} times as many at {found.last:,.0f} µs"


def finding(found: list[tuple[str, Optional[Crossing]]]) -> str:
    """What the chart shows, in a line made from the crossings of the panels, each with what its requests do."""
    ahead = [(does, one) for does, one in found if one is not None]
    if not ahead:
        return f"Few busy connections, costly requests: nobody is ahead of {BASE} here"
    told = [f"{one.server} {one.ratio:.1f} × where they {does}" for does, one in ahead]
    return f"When {BASE} loses, at costly requests: {', '.join(told)}"


def _point_notes(experiment: Experiment) -> list[str]:
    """What the marks mean, and where they occur: of each series alone, since a point is a cost within its series."""
    series = (
        [run for run in experiment.runs if run.all_cores == on_all_cores] for on_all_cores in (False, True)
    )
    notes = [
        note
        for runs in series
        if runs
        for note in caption.point_notes(
            Experiment(experiment.folder, runs, experiment.environment),
            lambda run: run.wait_us + run.work_us,
            " µs",
        )
    ]
    return list(dict.fromkeys(notes))


def _draw_panel(axes: Axes, points: dict[str, list[Point]], asked: dict[float, int]) -> None:
    style.scale_connections(axes, asked, most_labels=8)
    for server, servers_points in points.items():
        draw_server(axes, server, servers_points, COLUMN)
    for measured, cost in asked.items():
        axes.annotate(
            f"asked: {cost}",
            (measured, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=style.TEXT_GREY,
            label="_asked",
        )


def draw(experiment: Experiment) -> Figure:
    """The chart: a panel for waiting, a panel for computing, on one axis of ratios."""
    figure = style.new_figure(13, 5.4, "")
    panels = (("waits", "wait_us", False), ("computes", "work_us", True))
    shown, found = [], []
    for axes, (does, cost, on_all_cores) in zip(figure.subplots(1, 2, sharey=True), panels):
        runs = [run for run in experiment.runs if run.all_cores == on_all_cores]
        points, asked = by_measured_cost(
            Experiment(experiment.folder, runs, experiment.environment),
            lambda run, column=cost: getattr(run, column),
        )
        if not asked:
            axes.set_title(f"Each request {does}: {f'no valid run of {BASE}' if runs else 'not measured'}")
            continue
        shown.append((axes, points))
        found.append((does.removesuffix("s"), crossing(points)))
        _draw_panel(axes, points, asked)
        axes.set_xlabel(f"what a request takes {BASE}, measured (µs)")
        axes.set_title(f"Each request {does}:\n{lesson(points)}")
    style.set_title(figure, finding(found))
    style.scale_values(
        figure.axes[0],
        [value for _, points in shown for value in all_values(points, COLUMN)],
        always_log=True,
    )
    figure.axes[0].set_ylabel(f"requests served for each of {BASE}'s")
    for axes, points in shown:
        draw_failures(axes, points, COLUMN)
        label_ends(axes, points, COLUMN, height_inches=2.8)
    connections = caption.span(run.connections for run in experiment.runs)
    notes = [
        f"{connections} connections, all speaking. Waiting: the server has a core of its own, and so has the generator. "
        "Computing: both have all cores, since on one core computing can't be shared out; what the generator needs, the "
        f"server lacks. Asked: the µs that a request was told to wait or compute. Ahead: at least {(AHEAD - 1) * 100:.0f} % "
        f"more than {BASE}."
    ]
    style.finish(figure, [*notes, *_point_notes(experiment)], caption.facts(experiment))
    return figure
