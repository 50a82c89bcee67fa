"""Memory against open connections: what one more connection costs, a bar a server, and how the sum grows.

A bar is made of the kinds of memory that add up. Virtual memory is only promised: it has a panel of its own, beside that
of what is really used.
"""

import math
from typing import NamedTuple, Optional

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
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
from plots.records import Experiment

EXPERIMENT = "memory-vs-connections"
CHART = "memory-against-connections"
# What adds up to the memory that a connection takes, and how it is drawn.
PARTS = (
    ("pss_bytes", "in the process (proportional)", "#0072B2"),
    ("page_table_bytes", "page tables", "#56B4E9"),
    ("kernel_stack_bytes", "kernel stacks", "#E69F00"),
    ("socket_bytes", "data that waits in sockets", "#CC79A7"),
    ("slab_both_ends_bytes", "the kernel's objects, both ends", "#A8A8A8"),
)
PANELS = (
    ("virtual_bytes", "Virtual: address space promised"),
    ("pss_bytes", "Proportional: memory really used"),
)
READING = (
    "One more connection: the slope of a least-squares line through all valid repetitions. Proportional: pages that "
    "several processes share are divided among them. The kernel's objects are the whole system's, so the client's end is "
    'in it. "About 0": less than the repetitions differ by.'
)


class Slope(NamedTuple):
    """Bytes that one more connection adds, and how many of them can't be told from nothing here."""

    bytes: float
    resolution: float

    @property
    def amount(self) -> float:
        """The bytes, or 0 where they can't be told from nothing."""
        return self.bytes if self.bytes > self.resolution else 0.0


def bytes_per_connection(points: list[Point], column: str) -> Optional[Slope]:
    """Fitted to the valid repetitions; None with fewer than two points."""
    measured = [(point.connections, value) for point in points for value in point.values(column)]
    if len({connections for connections, _ in measured}) < 2:
        return None
    connections, values = zip(*measured)
    slope, base = map(float, numpy.polyfit(connections, values, 1))
    furthest = max(abs(value - (slope * number + base)) for number, value in measured)
    return Slope(slope, furthest / (max(connections) - min(connections)))


def parts_of(points: list[Point]) -> dict[str, float]:
    """Bytes that one more connection adds, by the columns of PARTS that were measured."""
    slopes = {column: bytes_per_connection(points, column) for column, _, _ in PARTS}
    return {column: slope.amount for column, slope in slopes.items() if slope is not None}


def about(number: float) -> str:
    """An amount of memory in words: "about 0", "5.6 KiB"."""
    return style.human_bytes(number) if number > 0 else "about 0"


def finding(parts: dict[str, dict[str, float]]) -> str:
    """What the chart shows, in a line made from the bars."""
    totals = {server: sum(each.values()) for server, each in parts.items() if each}
    if len(totals) < 2:
        return "Memory against open connections"
    high = max(totals, key=totals.get)
    low = "epoll" if "epoll" in totals and high != "epoll" else min(totals, key=totals.get)
    return f"One more connection costs {about(totals[high])} with {high}, {about(totals[low])} with {low}"


def _draw_bars(axes: Axes, parts: dict[str, dict[str, float]]) -> None:
    longest = max((sum(each.values()) for each in parts.values()), default=0) or 1
    for row, (server, each) in enumerate(parts.items()):
        left = 0.0
        for column, _, colour in PARTS:
            amount = each.get(column, 0.0)
            if amount > 0:
                axes.barh(row, amount, left=left, height=0.7, color=colour, label=f"{server} {column}")
            left += amount
        words = about(left) if each else "no fit: fewer than two numbers of connections with valid runs"
        axes.text(left + 0.008 * longest, row, words, fontsize=8, va="center")
    axes.set_yticks(range(len(parts)), list(parts))
    axes.set_ylim(len(parts) - 0.5, -0.5)
    axes.set_xlim(0, longest * 1.12)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MultipleLocator(2 ** math.floor(math.log2(longest / 3))))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: style.human_bytes(number)))
    # Only what there is: a kind that no server needs would be a colour that nobody finds.
    seen = [part for part in PARTS if any(each.get(part[0], 0) > 0 for each in parts.values())]
    axes.legend(
        handles=[Patch(color=colour, label=name) for _, name, colour in seen],
        ncol=len(PARTS),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        fontsize=8,
    )


def _draw_panel(axes: Axes, points: dict[str, list[Point]], column: str, title: str) -> None:
    axes.set_title(title)
    values = all_values(points, column)
    if not values:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=style.TEXT_GREY)
        axes.set_yticks([])
        return
    style.scale_bytes(axes, values)
    # Servers that need the same memory have the same line; the earlier drawn are heavier, so all can be seen.
    for weight, (server, servers_points) in zip(numpy.linspace(1.8, 0.9, len(points)), points.items()):
        draw_server(axes, server, servers_points, column, weight=weight)


def draw(experiment: Experiment) -> Figure:
    """The chart: the bars above, the two sums against the number of connections below."""
    points = points_by_server(experiment)
    parts = {server: parts_of(of) for server, of in points.items()}
    figure = style.new_figure(13, 9, finding(parts))
    panels = figure.subplot_mosaic([["bars", "bars"], ["virtual", "used"]])
    _draw_bars(panels["bars"], parts)
    for axes, (column, title) in zip((panels["virtual"], panels["used"]), PANELS):
        style.scale_connections(axes, (run.connections for run in experiment.runs), most_labels=6)
        _draw_panel(axes, points, column, title)
        draw_failures(axes, points, column, counted=column == PANELS[0][0])
        label_ends(axes, points, column, height_inches=2.8)
    style.finish(figure, [READING, *caption.point_notes(experiment)], caption.facts(experiment))
    return figure
