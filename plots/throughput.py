"""Requests a second, and what each of them costs the server's CPU, against open connections."""

from matplotlib.figure import Figure

from plots import caption, style
from plots.against_connections import all_values, draw_failures, draw_server, points_by_server, server_handles
from plots.latency import speaking
from plots.records import Experiment

EXPERIMENT = "throughput-vs-connections"
CHART = "throughput-and-cpu"
PANELS = (
    ("requests_per_s", "Throughput", "requests a second"),
    ("server_cpu_us_per_request", "CPU of the server for each request", "CPU time a request (µs)"),
)


def draw(experiment: Experiment) -> Figure:
    """The chart: two panels on one axis of open connections."""
    figure = style.new_figure(10, 8, f"Throughput and CPU against open connections: {speaking(experiment)}")
    points = points_by_server(experiment)
    for axes, (column, title, unit) in zip(figure.subplots(2, 1), PANELS):
        style.scale_connections(axes, (run.connections for run in experiment.runs))
        style.scale_values(axes, all_values(points, column))
        axes.set_title(title)
        axes.set_ylabel(unit)
        for server, servers_points in points.items():
            draw_server(axes, server, servers_points, column)
        draw_failures(axes, points, column, counted=column == PANELS[0][0])
        axes.legend(handles=server_handles(points, column), loc="upper left", bbox_to_anchor=(1.01, 1))
    style.finish(figure, caption.point_notes(experiment), caption.facts(experiment))
    return figure
