"""Chat fan-out: what a line to more and more listeners takes, until the first, the median and the last of those who read
have it, and what it costs the room."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from plots import caption, style
from plots.against_connections import (
    Point,
    all_values,
    draw_failures,
    draw_server,
    label_ends,
    points_by_server,
)
from plots.records import Experiment, RecordsError
from plots.write_write_read import in_words

EXPERIMENT = "chat-fan-out"
CHART = "chat-fan-out"
LATENCIES = (
    ("first_us", "The first listener has it after"),
    ("median_us", "The median listener"),
    ("last_us", "The last listener"),
)
COSTS = (
    ("server_cpu_us_per_request", "The room's CPU a delivery (µs)"),
    ("server_system_calls_per_request", "System calls a delivery (strace)"),
)
MEMORY = ("growth_bytes", "Memory that grew by who didn't read")


def lesson(points: dict[str, list[Point]]) -> str:
    """What the chart shows, in this run's figures: of the largest room until the last listener has the line."""
    largest = max(point.connections for points_of_room in points.values() for point in points_of_room)
    times = {
        room: point.typical("last_us")
        for room, points_of_room in points.items()
        for point in points_of_room
        if point.connections == largest and point.typical("last_us") is not None
    }
    if not times:
        return "One line to many listeners: nothing was measured"
    said = ", ".join(f"{in_words(time)} ({room})" for room, time in times.items())
    return f"One line to {largest:,} listeners: the last has it after {said}"


def _draw_panel(axes: Axes, points: dict[str, list[Point]], column: str, title: str) -> None:
    for room, points_of_room in points.items():
        draw_server(axes, room, points_of_room, column)
    style.scale_connections(
        axes,
        (point.connections for points_of_room in points.values() for point in points_of_room),
        most_labels=5,
    )
    axes.set_xlabel("listeners")
    axes.set_title(title)


def _scale_growth(axes: Axes, values: list[float]) -> None:
    """From zero, or below where the memory shrank, with five binary steps at most."""
    high = max(*values, 4096)
    axes.yaxis.set_major_locator(MultipleLocator(2 ** math.ceil(math.log2(high / 5))))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: style.human_bytes(number)))
    axes.set_ylim(min(-0.02 * high, *values) * 1.1, high * 1.15)


def draw(experiment: Experiment) -> Figure:
    """The chart: three panels of latency on one axis, three of what a line costs."""
    points = points_by_server(experiment)
    latencies = all_values(points, *(column for column, _ in LATENCIES))
    if not latencies:
        raise RecordsError(f"{experiment.folder / 'runs.csv'}: no run has a latency to the first listener")
    figure = style.new_figure(14, 7.4, lesson(points))
    upper, lower = figure.subplots(2, 3)
    for axes, (column, title) in zip(upper, LATENCIES):
        _draw_panel(axes, points, column, title)
        style.scale_values(axes, latencies, always_log=True)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda latency, _: in_words(latency)))
        draw_failures(axes, points, column, counted=False)
        label_ends(axes, points, column, height_inches=2.3)
    for axes, (column, title) in zip(lower, (*COSTS, MEMORY)):
        _draw_panel(axes, points, column, title)
        values = all_values(points, column)
        if not values:
            axes.text(
                0.5, 0.5, "not counted here", transform=axes.transAxes, ha="center", color=style.TEXT_GREY
            )
        elif column == MEMORY[0]:
            _scale_growth(axes, values)
        else:
            style.scale_values(axes, values)
        label_ends(axes, points, column, height_inches=2.3)
    notes = [
        "One speaks; one listener in a hundred, one at least, reads nothing meanwhile. Latency from the intended send to who "
        "reads: of each line when the first, the median, the last has it; drawn: the median over the lines. A line that did "
        "not reach somebody stands at 4 s.",
        "CPU of the whole span, over all lines that came to anybody. Memory: resident, before those who didn't read do so.",
    ]
    style.finish(figure, [*notes, *caption.point_notes(experiment)], caption.facts(experiment))
    return figure
