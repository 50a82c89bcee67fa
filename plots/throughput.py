"""Requests a second, and what each of them costs the server's CPU: a dot a server at 100 and at 1,000 connections.

Dots and no lines: what lies between the two was not measured, and only the order of the servers is the question.
"""

from statistics import median
from typing import Optional

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plots import caption, style
from plots.against_connections import Point, extremes, points_by_server
from plots.latency import ALIKE, speaking, where
from plots.records import Experiment

EXPERIMENT = "throughput-vs-connections"
CHART = "throughput-and-cpu"
SHOWN = (100, 1000)
COLUMNS = (
    ("requests_per_s", "Requests a second"),
    ("server_cpu_us_per_request", "Server's CPU for each (µs)"),
)
WHY_AHEAD = (
    "Why blocking-loop can be ahead: it asks nobody who is ready. While all speak, the next client in its turn has sent "
    "something by then, so it needs no call but recv and send; one silent client would stop it (lab 03)."
)


def shown_connections(experiment: Experiment) -> list[int]:
    """The numbers of connections that get a row of panels: 100 and 1,000, or the two highest where they are missing."""
    measured = sorted({run.connections for run in experiment.runs})
    return [number for number in SHOWN if number in measured] or measured[-2:]


def finding(points: dict[str, list[Point]], who_speaks: str) -> str:
    """What the chart shows, in a line made from the medians."""
    found = extremes(points, COLUMNS[0][0])
    if found is None:
        return f"Throughput and CPU of the server: {who_speaks}"
    connections, slow, fast, ratio = found
    begin = where(connections, who_speaks)
    if ratio < ALIKE:
        return f"{begin}: all servers serve about as many requests"
    return f"{begin}: {fast} serves {ratio:.1f} × as many requests as {slow}"


def _why_nothing(point: Optional[Point]) -> str:
    if point is None:
        return "not measured"
    return caption.failure_words(point.failures()) if point.failures() else "not measured"


def _draw_dot(axes: Axes, row: int, server: str, point: Optional[Point], column: str) -> None:
    """The median of the valid repetitions and each of them; hollow where no repetition was valid."""
    typical = point.typical(column) if point else None
    if point is None or typical is None:
        axes.text(
            0.01,
            row,
            _why_nothing(point),
            transform=axes.get_yaxis_transform(),
            fontsize=8,
            va="center",
            color=style.FAILURE_RED if point and point.failures() else style.TEXT_GREY,
        )
        return
    look = style.server_style(server)
    values = point.values(column)
    axes.hlines(
        row, min(values or [typical]), max(values or [typical]), color=look.colour, linewidth=1, alpha=0.6
    )
    for valid in (True, False):
        raw = point.values(column, valid)
        axes.plot(
            raw,
            [row] * len(raw),
            linestyle="none",
            marker="o" if valid else look.marker,
            markersize=2.5 if valid else 4,
            color=look.colour,
            alpha=0.6,
            markerfacecolor=look.colour if valid else "white",
            label="_raw" if valid else "_invalid",
        )
    axes.plot(
        [typical],
        [row],
        linestyle="none",
        marker=look.marker,
        markersize=7,
        color=look.colour,
        markerfacecolor=look.colour if values else "white",
        label=server,
    )
    if point.stands_alone:
        axes.plot(
            [typical], [row], "o", markersize=12, color=look.colour, markerfacecolor="none", label="_alone"
        )
    words = style.with_thousands(typical) if column == COLUMNS[0][0] else f"{typical:.1f}"
    if point.failures():
        words += f" ({caption.failure_words(point.failures())})"
    axes.annotate(
        words,
        (max([typical, *values]), row),
        xytext=(9, 0),
        textcoords="offset points",
        fontsize=8,
        va="center",
        color=style.FAILURE_RED if point.failures() else "black",
    )


def _draw_panel(axes: Axes, at: dict[str, Optional[Point]], column: str) -> None:
    for row, (server, point) in enumerate(at.items()):
        _draw_dot(axes, row, server, point, column)
    highest = max(
        (
            value
            for point in at.values()
            if point
            for valid in (True, False)
            for value in point.values(column, valid)
        ),
        default=1,
    )
    axes.set_xlim(0, highest * 1.3)  # room for the numbers
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda number, _: style.with_thousands(number))
    axes.set_ylim(len(at) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def _is_ahead(points: dict[str, list[Point]], server: str, shown: list[int]) -> bool:
    """True if at some of these connections no other server has a higher median throughput."""
    for connections in shown:
        medians = {
            name: median(point.values(COLUMNS[0][0]))
            for name, of in points.items()
            for point in of
            if point.connections == connections and point.values(COLUMNS[0][0])
        }
        if server in medians and medians[server] == max(medians.values()):
            return True
    return False


def draw(experiment: Experiment) -> Figure:
    """The chart: a row of panels for each number of connections, throughput on the left, CPU on the right."""
    points = points_by_server(experiment)
    shown = shown_connections(experiment)
    figure = style.new_figure(
        11, 1.6 + len(shown) * (0.8 + 0.24 * len(points)), finding(points, speaking(experiment))
    )
    for row, connections in zip(figure.subplots(len(shown), 2, sharey=True, squeeze=False), shown):
        at = {
            server: next((point for point in of if point.connections == connections), None)
            for server, of in points.items()
        }
        for axes, (column, title) in zip(row, COLUMNS):
            _draw_panel(axes, at, column)
            axes.set_title(f"{title}, {connections:,} connection{'s' * (connections != 1)}")
        row[0].set_yticks(range(len(at)), list(at))
    notes = [
        "Large mark: median of the repetitions, with its number; bar: lowest to highest; small points: each repetition."
    ]
    if _is_ahead(points, "blocking-loop", shown):
        notes.append(WHY_AHEAD)
    style.finish(figure, notes + caption.point_notes(experiment)[1:], caption.facts(experiment))
    return figure
