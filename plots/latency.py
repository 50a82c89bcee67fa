"""Latency against open connections: what the silent ones cost the few that speak."""

from matplotlib.figure import Figure

from plots import caption, style
from plots.against_connections import (
    Point,
    all_values,
    draw_failures,
    draw_server,
    extremes,
    label_ends,
    points_by_server,
)
from plots.records import Experiment

EXPERIMENT = "latency-vs-connections"
CHART = "latency-against-connections"
PANELS = (
    ("p50_us", "p50: half of the requests are slower", "median latency (µs)"),
    ("p99_us", "p99: one request in a hundred is slower", "99th percentile (µs)"),
)
# Servers whose medians differ by less are called alike.
ALIKE = 1.2


def speaking(experiment: Experiment) -> str:
    """Who sends requests, in words: a number of the connections, or all of them."""
    if all(run.active == run.connections for run in experiment.runs):
        return "all of them speak"
    active = {run.active for run in experiment.runs}
    return f"{'at most ' if len(active) > 1 else ''}{max(active):,} of them speak"


def where(connections: float, who_speaks: str) -> str:
    """How a title begins: "1,000 connections, 8 speak", of what `speaking` says."""
    return f"{connections:,} connections, {who_speaks.replace(' of them', '')}"


def finding(experiment: Experiment, points: dict[str, list[Point]]) -> str:
    """What the chart shows, in a line made from the medians."""
    column = PANELS[0][0]
    found = extremes(points, column)
    if found is None:
        return f"Latency against open connections: {speaking(experiment)}"
    connections, fast, slow, ratio = found
    begin = where(connections, speaking(experiment))
    if ratio < ALIKE:
        return f"{begin}: all servers answer about equally fast"
    return f"{begin}: {slow} takes {ratio:.1f} × as long as {fast} (p50)"


def draw(experiment: Experiment) -> Figure:
    """The chart: p50 above, p99 below, in microseconds, a colour a server."""
    points = points_by_server(experiment)
    figure = style.new_figure(10, 8.4, finding(experiment, points))
    for axes, (column, title, unit) in zip(figure.subplots(2, 1, sharex=True), PANELS):
        style.scale_connections(axes, (run.connections for run in experiment.runs))
        style.scale_values(axes, all_values(points, column), always_log=True)
        axes.set_title(title)
        axes.set_ylabel(unit)
        for server, servers_points in points.items():
            draw_server(axes, server, servers_points, column)
        draw_failures(axes, points, column, counted=column == PANELS[0][0])
        label_ends(axes, points, column, height_inches=2.6)
    figure.axes[0].set_xlabel("")
    notes = caption.point_notes(experiment)
    notes += caption.untold_notes(experiment, caption.connections_of, "", p99_us="p99")
    style.finish(figure, notes, caption.facts(experiment))
    return figure
