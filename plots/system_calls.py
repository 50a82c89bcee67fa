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


# The calls in which a server that asks who is ready sleeps until somebody is.
WAITS = ("epoll_wait", "poll", "pselect6", "io_uring_enter")
# Counts of two runs that differ by no more are called equal.
NEAR = 0.1


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


def switches_of(runs: list[Run], voluntary_only: bool = False) -> Optional[float]:
    """Context switches a request, voluntary and involuntary or the former alone: the median over the repetitions."""
    each = []
    for run in runs:
        if None in (run.server_voluntary_switches, run.server_involuntary_switches) or not run.requests:
            continue
        switches = run.server_voluntary_switches
        each.append(
            (switches if voluntary_only else switches + run.server_involuntary_switches) / run.requests
        )
    return median(each) if each else None


class Row(NamedTuple):
    """What is drawn of one server with one number of connections."""

    calls: dict[str, float]  # call → how often a request needs it; empty: not counted
    switches: Optional[float]
    valid: bool  # false: no repetition was valid, and these are the invalid ones
    lacking: float  # waits that the count lacks

    @property
    def total(self) -> float:
        """System calls a request."""
        return sum(self.calls.values())


def row_of(experiment: Experiment, runs: list[Run]) -> Row:
    """The medians of the valid repetitions; of the invalid ones where there is no valid one."""
    valid = [run for run in runs if run.valid]
    counted = valid or runs
    calls = calls_of(experiment, counted)
    return Row(calls, switches_of(counted), bool(valid), lacking_waits(calls, switches_of(counted, True)))


def lacking_waits(calls: dict[str, float], slept: Optional[float]) -> float:
    """How many waits a request the count under the tracer lacks: in the timed run the server slept more often than it
    waited when it was traced. 0 for a server that sleeps elsewhere, or where the two agree."""
    waits = sum(calls.get(name, 0) for name in WAITS)
    if slept is None or not waits or slept <= waits + NEAR:
        return 0.0
    return slept - waits


def limit_of(totals: list[float]) -> float:
    """Where the axis ends: a server that is far beyond all others is cut off, or nothing else could be seen."""
    ordered = sorted(totals)
    if not ordered or ordered[-1] <= 0:
        return 1
    if len(ordered) > 1 and 0 < ordered[-2] < ordered[-1] / 2.5:
        return ordered[-2] * 1.8
    return ordered[-1] * 1.2


def _write_total(axes: Axes, row: int, total: float, limit: float, note: str = "") -> None:
    """The number at the end of its bar, or before the edge that cuts it off."""
    cut = total > limit
    axes.text(
        limit * 0.99 if cut else total + limit * 0.01,
        row,
        f"{total:.2f}{' →' if cut else ''}{note}",
        fontsize=8,
        va="center",
        ha="right" if cut else "left",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8} if cut else None,
    )


def _note(row: Row) -> str:
    """What has to be known of a count, behind its number."""
    notes = [f"untraced at least {row.total + row.lacking:.2f}"] * (row.lacking > 0) + ["invalid"] * (
        not row.valid
    )
    return f" ({', '.join(notes)})" if notes else ""


def _draw_calls(axes: Axes, rows: list[Row]) -> None:
    limit = limit_of([row.total for row in rows if row.calls])
    for place, row in enumerate(rows):
        left = 0.0
        for name, count in row.calls.items():
            axes.barh(
                place,
                count,
                left=left,
                height=0.7,
                color=_COLOURS[name],
                edgecolor="white",
                linewidth=0.6,
                hatch=None if row.valid else "////",
                label=name,
            )
            left += count
        if row.calls:
            _write_total(axes, place, left, limit, _note(row))
        else:
            axes.text(limit * 0.01, place, "not counted", fontsize=8, va="center", color=style.TEXT_GREY)
    axes.set_xlim(0, limit)


def _draw_switches(axes: Axes, rows: list[Row]) -> None:
    limit = limit_of([row.switches for row in rows if row.switches is not None])
    for place, row in enumerate(rows):
        if row.switches is None:
            axes.text(limit * 0.01, place, "not measured", fontsize=8, va="center", color=style.TEXT_GREY)
            continue
        axes.barh(
            place,
            row.switches,
            height=0.7,
            color=style.TEXT_GREY,
            edgecolor="white",
            linewidth=0.6,
            hatch=None if row.valid else "////",
            label="_switches",
        )
        _write_total(axes, place, row.switches, limit)
    axes.set_xlim(0, limit)


def _lesson(rows: dict[str, Row], connections: int) -> str:
    """The fewest and the most calls, in words; of the servers whose count can be believed."""
    if not any(row.calls for row in rows.values()):
        return "System calls weren't counted; context switches for each request"
    totals = {
        server: row.total for server, row in rows.items() if row.calls and row.valid and not row.lacking
    }
    if not totals:
        return f"System calls a request, {connections:,} busy connections: no valid run"
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
    rows = {point: [row_of(experiment, of[server, point]) for server in servers] for point in points}
    lesson = _lesson(dict(zip(servers, rows[points[-1]])), points[-1])
    figure = style.new_figure(11, 1.6 + len(points) * (0.9 + 0.24 * len(servers)), lesson)
    for (left, right), point in zip(
        figure.subplots(len(points), 2, sharey=True, squeeze=False, gridspec_kw={"width_ratios": (2, 1)}),
        points,
    ):
        speaking = f"{point:,} connection{'s' * (point != 1)}"
        _draw_calls(left, rows[point])
        left.set_title(f"System calls for each request, {speaking}")
        _draw_switches(right, rows[point])
        right.set_title(f"Context switches, {speaking}")
        left.set_yticks(range(len(servers)), servers)
        left.set_ylim(len(servers) - 0.5, -0.5)
        for axes in (left, right):
            axes.grid(False, axis="y")
            axes.tick_params(axis="y", length=0)
    names = [name for name in _COLOURS if any(name in row.calls for at in rows.values() for row in at)]
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
    if any(row.lacking for at in rows.values() for row in at):
        notes.append(
            "Untraced at least: in the timed run the server slept more often in its wait than it called it when it was "
            "traced. A client that answers a slowed server quickly has sent its next request before the server asks."
        )
    if not all(row.valid for at in rows.values() for row in at):
        notes.append("Hatched: no repetition of the timed run was valid; not in the title.")
    style.finish(figure, [*notes, *caption.left_out_notes(experiment)], caption.facts(experiment))
    return figure
