"""Latency against open connections: what the silent ones cost the few that speak."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plots import caption, style
from plots.against_connections import all_values, draw_failures, draw_server, points_by_server, server_handles
from plots.records import Experiment

EXPERIMENT = "latency-vs-connections"
CHART = "latency-against-connections"


def speaking(experiment: Experiment) -> str:
    """Who sends requests, in words: a number of the connections, or all of them."""
    if all(run.active == run.connections for run in experiment.runs):
        return "all of them speak"
    active = {run.active for run in experiment.runs}
    return f"{'at most ' if len(active) > 1 else ''}{max(active):,} of them speak"


def draw(experiment: Experiment) -> Figure:
    """The chart: p50 solid and p99 dashed, in microseconds, a colour a server."""
    figure = style.new_figure(10, 6.4, f"Latency against open connections: {speaking(experiment)}")
    axes = figure.subplots()
    points = points_by_server(experiment)
    style.scale_connections(axes, (run.connections for run in experiment.runs))
    style.scale_values(axes, all_values(points, "p50_us", "p99_us"), always_log=True)
    axes.set_ylabel("latency of a request (µs)")
    for server, servers_points in points.items():
        draw_server(axes, server, servers_points, "p99_us", linestyle="--")
        draw_server(axes, server, servers_points, "p50_us")
    draw_failures(axes, points, "p50_us")
    kinds = [
        Line2D([], [], color="black", linestyle="-", label="p50 (median request)"),
        Line2D([], [], color="black", linestyle="--", label="p99 (1 in 100 is slower)"),
    ]
    axes.legend(
        handles=[*server_handles(points, "p50_us"), *kinds], loc="upper left", bbox_to_anchor=(1.01, 1)
    )
    notes = caption.point_notes(experiment)
    notes += caption.untold_notes(experiment, caption.connections_of, "", p99_us="p99")
    style.finish(figure, notes, caption.facts(experiment))
    return figure
