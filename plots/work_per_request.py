"""When epoll loses: requests a second against what each request costs the server, few busy connections.

On the left each request blocks its server for a while, as on a slow disk; on the right it computes. One thread that
serves all waits or computes for one request at a time; a thread or a process for each connection overlaps the waiting,
and spreads the computing over the cores. Where the lines cross is computed, and written over each panel.
"""

from statistics import median
from typing import NamedTuple, Optional

from matplotlib.figure import Figure

from plots import caption, style
from plots.against_connections import (
    Point,
    all_values,
    draw_failures,
    draw_server,
    points_by_server,
    server_handles,
)
from plots.records import Experiment

EXPERIMENT = "work-per-request"
CHART = "when-epoll-loses"
COLUMN = "requests_per_s"
BASE = "epoll"
# How much more than epoll's throughput counts as ahead: repetitions spread by some per cent.
AHEAD = 1.1


class Crossing(NamedTuple):
    """Where a server gets ahead of epoll for good: not yet at `before`, from `first` on; times as much at `last`."""

    server: str
    before: Optional[int]
    first: int
    last: int
    ratio: float


def ratios(rival: list[Point], base: list[Point]) -> dict[int, float]:
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
        f"is ahead of {BASE}\nfrom {found.first} µs on"
        if found.before is None
        else f"overtakes {BASE}\nbetween {found.before} and {found.first} µs"
    )
    return f"{found.server} {where}; {found.ratio:.1f} times as many at {found.last:,} µs"


def draw(experiment: Experiment) -> Figure:
    """The chart: a panel for waiting, a panel for computing, on one axis of throughput."""
    figure = style.new_figure(
        11, 5.6, "When epoll loses: few busy connections, and requests that cost more than their bytes"
    )
    panels = (("Each request waits", "wait_us", False), ("Each request computes", "work_us", True))
    shown = []
    for axes, (title, cost, on_all_cores) in zip(figure.subplots(1, 2, sharey=True), panels):
        runs = [run for run in experiment.runs if run.all_cores == on_all_cores]
        if not runs:
            axes.set_title(f"{title}: not measured")
            continue
        points = points_by_server(
            Experiment(experiment.folder, runs, experiment.environment),
            lambda run, column=cost: getattr(run, column),
        )
        shown.append((axes, points))
        style.scale_connections(axes, (getattr(run, cost) for run in runs), linear_below=10)
        axes.set_xlabel(f"{'computing' if on_all_cores else 'waiting'} for each request (µs)")
        axes.set_title(f"{title}:\n{lesson(points)}")
        for server, servers_points in points.items():
            draw_server(axes, server, servers_points, COLUMN)
    style.scale_values(
        figure.axes[0],
        [value for _, points in shown for value in all_values(points, COLUMN)],
        always_log=True,
    )
    figure.axes[0].set_ylabel("requests a second")
    for axes, points in shown:
        draw_failures(axes, points, COLUMN)
    if shown:
        axes, points = shown[-1]
        axes.legend(handles=server_handles(points, COLUMN), loc="upper left", bbox_to_anchor=(1.01, 1))
    connections = caption.span(run.connections for run in experiment.runs)
    notes = [
        f"{connections} connections, all speaking. Waiting: the server has a core of its own, and so has the generator. "
        "Computing: both have all cores, since on one core computing can't be shared out; what the generator needs, the "
        f"server lacks. Ahead: at least {(AHEAD - 1) * 100:.0f} % more than {BASE}."
    ]
    style.finish(figure, [*notes, *caption.point_notes(experiment)], caption.facts(experiment))
    return figure
