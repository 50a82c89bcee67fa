"""System calls and context switches a request: a bar a server, a row of panels for each number of connections.

The calls were counted by strace in a run of its own, the switches by the kernel in a run without it.
"""

from statistics import median
from typing import NamedTuple, Optional

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from plots import caption, style
from plots.records import Experiment, Run, read_table

EXPERIMENT = "system-calls"
CHART = "system-calls-and-switches"
OTHER = "other"
_COLOURS = {
    "recvfrom": "#0072B2",
    "sendto": "#56B4E9",
    "epoll_wait": "#009E73",
    "poll": "#E69F00",
    "pselect6": "#CC79A7",
    "io_uring_enter": "#C9B400",
    "accept4": "#D55E00",
    "fcntl": "#000000",
    OTHER: "#B0B0B0",
}


class Call(NamedTuple):
    """A line of a sample file: a system call, and how often a request needs it."""

    call: str
    per_request: float


def calls_of(experiment: Experiment, runs: list[Run]) -> dict[str, float]:
    """Call → median over the repetitions that were counted; what has no colour of its own is summed as "other"."""
    counted = []
    for run in runs:
        if run.server_system_calls_per_request is not None and run.samples_file:
            counts: dict[str, float] = {}
            for name, each in read_table(experiment.folder / run.samples_file, Call):
                name = name if name in _COLOURS else OTHER
                counts[name] = counts.get(name, 0) + each
            counted.append(counts)
    names = [name for name in _COLOURS if any(name in counts for counts in counted)]
    return {name: median(counts.get(name, 0) for counts in counted) for name in names}


def switches_of(runs: list[Run]) -> Optional[float]:
    """Voluntary and involuntary context switches a request: the median over the repetitions."""
    each = [
        (run.server_voluntary_switches + run.server_involuntary_switches) / run.requests
        for run in runs
        if run.requests and None not in (run.server_voluntary_switches, run.server_involuntary_switches)
    ]
    return median(each) if each else None


def limit_of(totals: list[float]) -> float:
    """Where the axis ends: a server that is far beyond all others is cut off, or nothing else could be seen."""
    ordered = sorted(totals)
    if not ordered or ordered[-1] <= 0:
        return 1
    if len(ordered) > 1 and 0 < ordered[-2] < ordered[-1] / 2.5:
        return ordered[-2] * 1.8
    return ordered[-1] * 1.2


def _write_total(axes: Axes, row: int, total: float, limit: float) -> None:
    """The number at the end of its bar, or before the edge that cuts it off."""
    cut = total > limit
    axes.text(
        limit * 0.99 if cut else total + limit * 0.01,
        row,
        f"{total:.2f}{' →' if cut else ''}",
        fontsize=8,
        va="center",
        ha="right" if cut else "left",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if cut else None,
    )


def _draw_calls(axes: Axes, calls: list[dict[str, float]]) -> None:
    limit = limit_of([sum(each.values()) for each in calls if each])
    for row, each in enumerate(calls):
        left = 0.0
        for name, count in each.items():
            axes.barh(
                row,
                count,
                left=left,
                height=0.7,
                color=_COLOURS[name],
                edgecolor="white",
                linewidth=0.6,
                label=name,
            )
            left += count
        if each:
            _write_total(axes, row, left, limit)
        else:
            axes.text(limit * 0.01, row, "not counted", fontsize=8, va="center", color=style.TEXT_GREY)
    axes.set_xlim(0, limit)


def _draw_switches(axes: Axes, switches: list[Optional[float]]) -> None:
    limit = limit_of([number for number in switches if number is not None])
    for row, number in enumerate(switches):
        if number is None:
            axes.text(limit * 0.01, row, "not measured", fontsize=8, va="center", color=style.TEXT_GREY)
            continue
        axes.barh(row, number, height=0.7, color=style.TEXT_GREY, label="_switches")
        _write_total(axes, row, number, limit)
    axes.set_xlim(0, limit)


def _lesson(totals: dict[str, float], connections: int) -> str:
    """The fewest and the most calls, in words."""
    if not totals:
        return "System calls weren't counted; context switches for each request"
    fewest, most = min(totals, key=totals.get), max(totals, key=totals.get)
    return (
        f"System calls a request, {connections:,} busy connections: {totals[fewest]:.2g} ({fewest}) to "
        f"{totals[most]:.2g} ({most})"
    )


def draw(experiment: Experiment) -> Figure:
    """The chart: calls on the left, switches on the right."""
    servers = style.in_order(run.server for run in experiment.runs)
    points = sorted({run.connections for run in experiment.runs})
    of = {
        (server, point): [run for run in experiment.runs if (run.server, run.connections) == (server, point)]
        for server in servers
        for point in points
    }
    calls = {point: [calls_of(experiment, of[server, point]) for server in servers] for point in points}
    totals = {server: sum(each.values()) for server, each in zip(servers, calls[points[-1]]) if each}
    figure = style.new_figure(
        11, 1.6 + len(points) * (0.9 + 0.24 * len(servers)), _lesson(totals, points[-1])
    )
    for (left, right), point in zip(
        figure.subplots(len(points), 2, sharey=True, squeeze=False, gridspec_kw={"width_ratios": (2, 1)}),
        points,
    ):
        speaking = f"{point:,} connection{'s' * (point != 1)}"
        _draw_calls(left, calls[point])
        left.set_title(f"System calls for each request, {speaking}")
        _draw_switches(right, [switches_of(of[server, point]) for server in servers])
        right.set_title(f"Context switches, {speaking}")
        left.set_yticks(range(len(servers)), servers)
        left.set_ylim(len(servers) - 0.5, -0.5)
        for axes in (left, right):
            axes.grid(False, axis="y")
            axes.tick_params(axis="y", length=0)
    names = [name for name in _COLOURS if any(name in each for rows in calls.values() for each in rows)]
    if names:
        figure.axes[1].legend(
            handles=[Patch(color=_COLOURS[name], label=name) for name in names],
            title="system call",
            loc="upper left",
            bbox_to_anchor=(1.01, 1),
        )
    notes = [
        "Calls: counted by strace in a run of its own, those of opening and closing subtracted. A server that is traced "
        "is several times slower and finds more of its connections ready at once, so the calls that wait are shared by "
        "more requests than in the timed run. An arrow: beyond the axis. Switches: the kernel's count in a run without "
        "strace, voluntary and involuntary, of all threads and processes of the server; median of the repetitions."
    ]
    style.finish(figure, [*notes, *caption.left_out_notes(experiment)], caption.facts(experiment))
    return figure
