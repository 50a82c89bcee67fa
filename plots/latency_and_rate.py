"""Latency against the offered rate, from a tenth of what a server can do to beyond it: an open loop, whatever the server does.

The rate is a share of each server's own capacity, so that all of them are seen in the same distress. Latencies run from
the intended send: a request that waits because the server is behind waits in these figures too.
"""

from statistics import median
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

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
from plots.write_write_read import in_words

EXPERIMENT = "latency-vs-rate"
CHART = "latency-against-rate"
SHARE = "unanswered_percent"


class Panel(NamedTuple):
    """One panel: the column that it shows, its title, and its axis."""

    column: str
    title: str
    unit: str


PANELS = (
    Panel("p50_us", "p50: half of all requests are slower", "latency"),
    Panel("p99_us", "p99: 1 in 100 is slower", "latency"),
    Panel("p999_us", "p99.9: 1 in 1,000 is slower", "latency"),
    Panel(SHARE, "Not answered when the span ended", "share of the offered requests (%)"),
)


def percent_of(run: Run) -> int:
    """Where a run stands on the x axis."""
    return round(run.capacity_percent or 0)


def medians(points: dict[str, list[Point]], column: str, percent: float) -> list[float]:
    """Of each server that has valid repetitions there."""
    found = []
    for servers_points in points.values():
        for point in servers_points:
            if point.connections == percent and point.values(column):
                found.append(median(point.values(column)))
    return found


def finding(points: dict[str, list[Point]]) -> str:
    """The p99 at the lowest share of the capacity, the highest up to it, and the highest of all: of the median server."""
    percents = sorted({point.connections for servers_points in points.values() for point in servers_points})
    up_to_capacity = [percent for percent in percents if percent < 100]
    chosen = dict.fromkeys([*percents[:1], *up_to_capacity[-1:], *percents[-1:]])
    said = []
    for percent in chosen:
        values = medians(points, "p99_us", percent)
        if values:
            said.append(f"{in_words(median(values))} at {percent} %")
    if not said:
        return "Latency against the offered rate: no valid run"
    return f"p99 {', '.join(said)} of the capacity"


def _draw_panel(axes: Axes, panel: Panel, points: dict[str, list[Point]]) -> None:
    axes.set_title(panel.title)
    axes.set_ylabel(panel.unit)
    for server, servers_points in points.items():
        draw_server(axes, server, servers_points, panel.column)
    values = all_values(points, panel.column)
    if panel.column == SHARE:
        axes.set_ylim(0, 1.15 * max([*values, 1]))
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    elif values:
        style.scale_values(axes, values, always_log=True)
        axes.yaxis.set_major_locator(LogLocator(subs=(1,), numticks=12))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda latency, _: in_words(latency)))
    else:
        axes.set_yticks([])
        axes.annotate("too few requests a run for it", (0.5, 0.5), xycoords="axes fraction", ha="center")
    draw_failures(axes, points, panel.column, counted=panel.column == SHARE)
    label_ends(axes, points, panel.column, height_inches=2.8)


def _scale_percents(axes: Axes, percents: list[int]) -> None:
    axes.set_xlim(0, max(percents) * 1.04)
    axes.xaxis.set_major_locator(FixedLocator(percents))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda percent, _: f"{percent:.0f}"))
    axes.set_xlabel("offered rate (% of the server's own capacity)")
    axes.axvline(100, color=style.PROMPT_GREY, linewidth=1, linestyle=":", zorder=0, label="_capacity")


def _capacities(points: dict[str, list[Point]]) -> str:
    """The capacity of each server: the median of what the closed loops before its runs have reached."""
    found = []
    for server, servers_points in points.items():
        values = all_values({server: servers_points}, "capacity_per_s")
        if values:
            found.append(f"{server} {style.with_thousands(median(values))}")
    return ", ".join(found) or "unknown"


def _never_answered(runs: list[Run]) -> str:
    lost = {
        server: int(sum(run.not_answered or 0 for run in runs if run.server == server))
        for server in style.in_order({run.server for run in runs})
    }
    return ", ".join(f"{server} {count:,}" for server, count in lost.items() if count)


def notes_of(experiment: Experiment, points: dict[str, list[Point]]) -> list[str]:
    """What stands under the chart beside the marks of every chart."""
    runs = experiment.runs
    work = caption.span(run.work_us for run in runs)
    lines = [
        "Capacity (requests a second, in a closed loop of the same connections just before each run; its median): "
        f"{_capacities(points)}. Each request computes {work} µs, so that the generator on the other core is never what limits. "
        "Latency from the intended send; arrivals at random (Poisson). Beyond 100 % it grows with the length of the run. The title's figures are the median server's.",
    ]
    never = _never_answered(runs)
    if never:
        lines.append(f"Never answered, and at the bound of their run in the percentiles: {never}.")
    return lines


def draw(experiment: Experiment) -> Figure:
    """The chart: a panel a percentile, and one for what wasn't answered, over one axis of offered rates."""
    points = points_by_server(experiment, percent_of)
    percents = sorted({percent_of(run) for run in experiment.runs})
    figure = style.new_figure(13, 9.2, finding(points))
    panels = figure.subplots(2, 2).flat
    for axes, panel in zip(panels, PANELS):
        _scale_percents(axes, percents)
        _draw_panel(axes, panel, points)
    notes = [
        *notes_of(experiment, points),
        *caption.point_notes(experiment, percent_of, " %"),
        *caption.untold_notes(experiment, percent_of, " %", p99_us="p99", p999_us="p99.9"),
    ]
    style.finish(figure, notes, caption.facts(experiment))
    return figure
