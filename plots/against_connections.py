"""What the charts over open connections share: points of repetitions, and how a server's points are drawn."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median
from typing import Callable, Optional

from matplotlib.axes import Axes

from plots import style
from plots.order_statistics import median_interval
from plots.records import Experiment, Run
from plots.style import FAILURE_RED, in_order, server_style

# The height of a row of crosses at the upper edge, as a share of the axes.
EDGE_ROW = 0.1


@dataclass(frozen=True)
class Point:
    """All repetitions of one server at one number of open connections, or at whatever else the x axis shows."""

    connections: float
    runs: list[Run]

    def values(self, column: str, valid: bool = True) -> list[float]:
        """What the valid (or the invalid) repetitions measured in `column`, in the column's unit."""
        measured = (getattr(run, column) for run in self.runs if run.valid == valid)
        return [value for value in measured if value is not None]

    def typical(self, column: str) -> Optional[float]:
        """The median over the valid repetitions; over the invalid ones when there is no valid one."""
        values = self.values(column) or self.values(column, valid=False)
        return median(values) if values else None

    @property
    def stands_alone(self) -> bool:
        """True if of several repetitions a single one was valid: nothing tells how far it may be off."""
        return len(self.runs) > 1 and sum(run.valid for run in self.runs) == 1

    def failures(self) -> dict[str, int]:
        """The failures of all repetitions, valid or not, by kind."""
        total: Counter = Counter()
        for run in self.runs:
            total.update(run.failures())
        return dict(total)


def points_by_server(
    experiment: Experiment, x: Callable[[Run], float] = lambda run: run.connections
) -> dict[str, list[Point]]:
    """For each server, in the order of the labs, its points from few connections (or `x`) to many."""
    grouped = defaultdict(lambda: defaultdict(list))
    for run in experiment.runs:
        grouped[run.server][x(run)].append(run)
    return {
        server: [Point(connections, runs) for connections, runs in sorted(grouped[server].items())]
        for server in in_order(grouped)
    }


def all_values(points: dict[str, list[Point]], *columns: str) -> list[float]:
    """Everything that was measured in these columns, invalid repetitions included: what an axis must hold."""
    return [
        value
        for servers_points in points.values()
        for point in servers_points
        for column in columns
        for valid in (True, False)
        for value in point.values(column, valid)
    ]


def draw_server(
    axes: Axes, server: str, points: list[Point], column: str, linestyle: str = "-", weight: float = 1
) -> None:
    """One server's line through the medians, its spread, its raw points, and its invalid points hollow.

    A ring marks a median of one valid repetition where there were more.

    `weight` makes the line and its markers heavier, so that they show behind another server's equal line.
    """
    look = server_style(server)
    measured = [(point, point.typical(column)) for point in points if point.typical(column) is not None]
    # The nan breaks the line: what was not measured validly must not look interpolated.
    line = [
        (point.connections, typical if point.values(column) else float("nan")) for point, typical in measured
    ]
    axes.plot(
        [x for x, _ in line],
        [y for _, y in line],
        color=look.colour,
        linestyle=linestyle,
        marker=look.marker,
        markersize=5 * weight,
        linewidth=1.6 * weight,
        label=server,
    )
    spread = [
        (point.connections, median_interval(point.values(column)))
        for point in points
        if len(point.values(column)) > 1
    ]
    axes.vlines(
        [x for x, _ in spread],
        [interval.low for _, interval in spread],
        [interval.high for _, interval in spread],
        color=look.colour,
        linewidth=1,
        alpha=0.6,
    )
    for valid, face in ((True, look.colour), (False, "none")):
        raw = [(point.connections, value) for point in points for value in point.values(column, valid)]
        if raw:
            axes.scatter(
                [x for x, _ in raw],
                [y for _, y in raw],
                s=7 if valid else 16,
                alpha=0.5 if valid else 1,
                marker="o" if valid else look.marker,
                facecolors=face,
                edgecolors=look.colour,
                linewidths=0.6,
                label="_raw" if valid else "_invalid",
            )
    alone = [(point.connections, typical) for point, typical in measured if point.stands_alone]
    if alone:
        axes.scatter(
            [x for x, _ in alone],
            [y for _, y in alone],
            s=130,
            facecolors="none",
            edgecolors=look.colour,
            linewidths=1.2,
            label="_alone",
        )
    hollow = [(point.connections, typical) for point, typical in measured if not point.values(column)]
    if hollow:
        axes.plot(
            [x for x, _ in hollow],
            [y for _, y in hollow],
            color=look.colour,
            linestyle="none",
            marker=look.marker,
            markersize=7,
            markerfacecolor="white",
            label="_invalid",
        )


def _mark_failure(
    axes: Axes, server: str, place: tuple[float, float], transform, failed: int, **number_place
) -> None:
    """The server's marker under a red cross, and how many requests failed beside it unless that is 0."""
    look = server_style(server)
    placed = {"linestyle": "none", "zorder": 5, "transform": transform}
    axes.plot(*place, marker=look.marker, color=look.colour, markersize=10, label="_", **placed)
    axes.plot(
        *place, marker="x", color=FAILURE_RED, markersize=8, markeredgewidth=2, label="_failed", **placed
    )
    if failed:
        axes.annotate(
            f"{failed:,}",
            textcoords="offset points",
            color=FAILURE_RED,
            fontsize=7.5,
            zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
            **number_place,
        )


def draw_failures(axes: Axes, points: dict[str, list[Point]], column: str, counted: bool = True) -> None:
    """A red cross on every point at which requests failed, with their number if `counted`.

    Where nothing was measured the crosses stand in rows at the upper edge. Call it last: it makes room for
    those rows, and places the numbers by the final limits of the axes, apart from one another.
    """
    failed = [
        (server, point)
        for server, servers_points in points.items()
        for point in servers_points
        if point.failures()
    ]
    unmeasured = defaultdict(list)
    for server, point in failed:
        if point.typical(column) is None:
            unmeasured[point.connections].append((server, point))
    room = EDGE_ROW * max(map(len, unmeasured.values()), default=0)
    axes.set_ylim(top=(axes.transScale + axes.transLimits).inverted().transform((0, 1 + room))[1])
    to_share = axes.transScale + axes.transLimits

    for connections, entries in unmeasured.items():
        for row, (server, point) in enumerate(entries):
            place, at_edge = (connections, 0.97 - row * EDGE_ROW), axes.get_xaxis_transform()
            _mark_failure(
                axes,
                server,
                place,
                at_edge,
                counted * sum(point.failures().values()),
                xy=place,
                xycoords=at_edge,
                xytext=(0, -6),
                ha="center",
                va="top",
            )
    taken: dict[float, float] = {}
    measured = [entry for entry in failed if entry[1].typical(column) is not None]
    # From the top down, so that a number moved out of another's way moves in one direction only.
    for server, point in sorted(measured, key=lambda entry: -entry[1].typical(column)):
        place = (point.connections, point.typical(column))
        x_share, y_share = to_share.transform(place)
        y_share = taken[point.connections] = min(y_share, taken.get(point.connections, 2) - 0.045)
        side = -1 if x_share > 0.9 else 1
        _mark_failure(
            axes,
            server,
            place,
            axes.transData,
            counted * sum(point.failures().values()),
            xy=(x_share, y_share),
            xycoords="axes fraction",
            xytext=(7 * side, 0),
            ha="left" if side > 0 else "right",
            va="center",
        )


def label_ends(axes: Axes, points: dict[str, list[Point]], column: str, height_inches: float) -> None:
    """Each server's name at the end of its line; where a server has no valid point, the name says so. Call it last."""
    measured = {
        server: [point for point in of if point.typical(column) is not None] for server, of in points.items()
    }
    ends = {server: (of[-1].connections, of[-1].typical(column)) for server, of in measured.items() if of}
    invalid = {
        server: " (no valid run)"
        for server, of in measured.items()
        if of and not any(point.values(column) for point in of)
    }
    style.label_ends(axes, ends, height_inches, invalid)


def extremes(points: dict[str, list[Point]], column: str) -> Optional[tuple[float, str, str, float]]:
    """At the most connections at which two servers have valid points: how many those are, the server whose median is
    lowest, the one whose is highest, and how many times as high. None if no two can be compared."""
    at: dict[float, dict[str, float]] = defaultdict(dict)
    for server, servers_points in points.items():
        for point in servers_points:
            if values := point.values(column):
                at[point.connections][server] = median(values)
    comparable = [connections for connections, medians in at.items() if len(medians) > 1]
    if not comparable:
        return None
    most = max(comparable)
    low, high = min(at[most], key=at[most].get), max(at[most], key=at[most].get)
    return (most, low, high, at[most][high] / at[most][low]) if at[most][low] > 0 else None
