"""Memory against open connections, a panel for each kind of memory, with the bytes that a connection adds."""

from typing import Optional

import numpy
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

EXPERIMENT = "memory-vs-connections"
CHART = "memory-against-connections"
PANELS = (
    ("virtual_bytes", "Virtual"),
    ("rss_bytes", "Resident"),
    ("pss_bytes", "Proportional"),
    ("page_table_bytes", "Page tables"),
    ("kernel_stack_bytes", "Kernel stacks"),
    ("socket_bytes", "Socket memory (server's side)"),
    ("slab_both_ends_bytes", "Kernel slab (both ends)"),
)
READING = """Virtual: address space that was promised, used or not.
Resident: pages really in memory; pages shared by
several processes are counted in each.
Proportional: the same, shared pages divided among
those who share them.
Page tables, kernel stacks: the kernel's own memory
for the address space and for each thread.
Socket memory: data that waits in the sockets.
Kernel slab: the kernel's objects for each connection;
the whole system's, so server and clients together.

In each legend: bytes that one more connection adds,
the slope of a least-squares line through all valid
repetitions. Both axes are logarithmic, so a line turns
upward where the connections outgrow the program."""


def bytes_per_connection(points: list[Point], column: str) -> Optional[float]:
    """The slope, in bytes a connection, fitted to the valid repetitions; None with fewer than two points."""
    measured = [(point.connections, value) for point in points for value in point.values(column)]
    if len({connections for connections, _ in measured}) < 2:
        return None
    connections, values = zip(*measured)
    return float(numpy.polyfit(connections, values, 1)[0])


def _draw_panel(axes, points: dict[str, list[Point]], column: str, title: str) -> None:
    axes.set_title(title)
    values = all_values(points, column)
    if not values:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=style.TEXT_GREY)
        axes.set_yticks([])
        return
    style.scale_bytes(axes, values)
    measured = {
        server: servers_points
        for server, servers_points in points.items()
        if all_values({server: servers_points}, column)
    }
    # Servers that need the same memory have the same line; the earlier drawn are heavier, so all can be seen.
    for weight, (server, servers_points) in zip(numpy.linspace(1.8, 0.9, len(measured)), measured.items()):
        draw_server(axes, server, servers_points, column, weight=weight)
    handles = server_handles(measured, column)
    for handle in handles:
        slope = bytes_per_connection(measured[handle.get_label()], column)
        amount = "no fit" if slope is None else style.human_bytes(slope)
        handle.set_label(f"{handle.get_label()}: {amount}")
    axes.legend(
        handles=handles,
        title="one more connection adds",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.05),
        fontsize=8,
        title_fontsize=8,
        alignment="left",
    )


def draw(experiment: Experiment) -> Figure:
    """The chart: seven panels, and a word on how to read them in the place of the eighth."""
    figure = style.new_figure(13, 13, "Memory against open connections")
    points = points_by_server(experiment)
    panels = list(figure.subplots(4, 2).flat)
    for axes, (column, title) in zip(panels, PANELS):
        style.scale_connections(axes, (run.connections for run in experiment.runs), most_labels=6)
        _draw_panel(axes, points, column, title)
        draw_failures(axes, points, column, counted=column == PANELS[0][0])
    panels[-1].set_axis_off()
    panels[-1].text(0, 1, READING, transform=panels[-1].transAxes, va="top", fontsize=8.5, linespacing=1.45)
    style.finish(figure, caption.point_notes(experiment), caption.facts(experiment))
    return figure
