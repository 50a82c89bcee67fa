"""The stalled server: the same halt of 200 ms as a closed loop sees it, and an open one from the real and the intended send.

Every request is a dot at the time of its send. Whoever waits for the reply before asking again asks nothing while the
server stands still, so the halt is one slow request a connection; whoever means to be served meanwhile waits all the same.
"""

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from plots import caption, style
from plots.records import Experiment, OfferedRequest, RecordsError, Run, read_offered_requests, with_samples
from plots.write_write_read import in_words

EXPERIMENT = "stalled-server"
CHART = "stalled-server"
# Dots in one cell of this grid would lie on one another.
COLUMNS, ROWS_A_DECADE = 700, 40
COLOURS = {"closed": "#0072B2", "uncorrected": "#E69F00", "corrected": "#D55E00"}


@dataclass(frozen=True)
class Way:
    """One way to measure the halt: its requests as time and latency in microseconds, when the halt began and ended, and
    the p99."""

    kind: str
    title: str
    run: Run
    points: list[tuple[float, float]]
    halt: tuple[float, float]
    p99_us: float


def bound_us(requests: list[OfferedRequest], run: Run) -> float:
    """Where the record puts a request that was never answered: no answered one stands above it."""
    answered = [
        request.answered_us - request.intended_us
        for request in requests
        if request.answered_us is not None and request.intended_us is not None
    ]
    return max([run.max_us or 0, *answered])


def halt_us(requests: list[OfferedRequest]) -> tuple[float, float]:
    """When the halt began and ended: the time on the way of the request that was longest there, of those answered."""
    spans = [
        (request.sent_us, request.answered_us)
        for request in requests
        if request.sent_us is not None and request.answered_us is not None
    ]
    return max(spans, key=lambda span: span[1] - span[0], default=(0.0, 0.0))


def first_valid(experiment: Experiment, loop: str) -> list[Run]:
    """The first valid repetition of a loop, or the first of all where none is; nothing if there is none."""
    runs = [run for run in with_samples(experiment) if run.loop == loop and run.p99_us is not None]
    return sorted(runs, key=lambda run: (not run.valid, run.repetition))[:1]


def ways(experiment: Experiment) -> list[Way]:
    """The three ways, as far as they were measured; RecordsError when none was."""
    found = []
    for run in first_valid(experiment, "closed"):
        requests = read_offered_requests(experiment, run)
        points = [
            (request.sent_us, request.answered_us - request.sent_us)
            for request in requests
            if request.sent_us is not None and request.answered_us is not None
        ]
        found.append(
            Way(
                "closed",
                "Closed loop: each asks when it has its reply",
                run,
                points,
                halt_us(requests),
                run.p99_us or 0,
            )
        )
    for run in first_valid(experiment, "open"):
        requests = read_offered_requests(experiment, run)
        bound = bound_us(requests, run)

        def latency(request: OfferedRequest, begin_us: float, bound: float = bound) -> float:
            return bound if request.answered_us is None else request.answered_us - begin_us

        real = [(r.sent_us, latency(r, r.sent_us)) for r in requests if r.sent_us is not None]
        intended = [(r.intended_us, latency(r, r.intended_us)) for r in requests if r.intended_us is not None]
        rate = style.with_thousands(run.offered_per_s or 0)
        title = f"Open loop, {rate} a second, timed from the"
        found.append(
            Way(
                "uncorrected",
                f"{title} real send (uncorrected)",
                run,
                real,
                halt_us(requests),
                run.uncorrected_p99_us or 0,
            )
        )
        found.append(
            Way(
                "corrected",
                f"{title} intended send (corrected)",
                run,
                intended,
                halt_us(requests),
                run.p99_us or 0,
            )
        )
    if not found:
        raise RecordsError(f"{experiment.folder / 'runs.csv'}: no run of a closed or an open loop")
    return found


def thinned(points: list[tuple[float, float]], end_us: float, floor_us: float) -> list[tuple[float, float]]:
    """Of the dots that would lie on one another only the slowest."""
    cells: dict[tuple[int, int], tuple[float, float]] = {}
    for time, latency in points:
        row = int(math.log10(max(latency, floor_us) / floor_us) * ROWS_A_DECADE)
        cell = (int(time / end_us * COLUMNS), row)
        if cell not in cells or latency > cells[cell][1]:
            cells[cell] = (time, latency)
    return sorted(cells.values())


def lesson(found: list[Way]) -> str:
    """What the chart shows, in this run's figures."""
    names = {"closed": "closed", "uncorrected": "open uncorrected", "corrected": "corrected"}
    said = ", ".join(f"{in_words(way.p99_us)} {names[way.kind]}" for way in found)
    begin, end = found[-1].halt
    return f"Halted for {in_words(end - begin)}: p99 {said}"


def _draw_way(axes: Axes, way: Way, end_us: float, floor_us: float) -> None:
    colour, halt = COLOURS[way.kind], way.halt
    axes.axvspan(halt[0] / 1e6, halt[1] / 1e6, color=style.QUIET_GREY, linewidth=0, zorder=0, label="_halt")
    dots = thinned(way.points, end_us, floor_us)
    axes.plot(
        [time / 1e6 for time, _ in dots],
        [latency for _, latency in dots],
        color=colour,
        marker="o",
        markersize=2.6,
        markeredgewidth=0,
        linestyle="none",
        label=way.kind,
    )
    axes.axhline(way.p99_us, color=colour, linewidth=1.2, linestyle="--", zorder=3, label="_p99")
    axes.annotate(
        f"p99 {in_words(way.p99_us)}",
        (1, way.p99_us),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=10,
        fontweight="bold",
        color=colour,
        annotation_clip=False,
    )
    slow = sum(latency >= (halt[1] - halt[0]) / 20 for _, latency in way.points)
    words = f"{way.title}: {slow:,} of {len(way.points):,} requests are slow"
    axes.set_title(
        words if way.run.valid else f"{words} (invalid: {way.run.invalid_reason or 'no reason recorded'})"
    )


def draw(experiment: Experiment) -> Figure:
    """The chart: a panel a way of measuring, one axis of time, one logarithmic axis of latency."""
    found = ways(experiment)
    points = [point for way in found for point in way.points]
    end_us = max([*((way.run.duration_s or 0) * 1e6 for way in found), *(time for time, _ in points), 1])
    floor_us = max(min(latency for _, latency in points), 1)
    figure = style.new_figure(10, 1.2 + 2.0 * len(found), lesson(found))
    panels = figure.subplots(len(found), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, way in zip(panels, found):
        _draw_way(axes, way, end_us, floor_us)
        axes.set_ylabel("latency")
    style.scale_values(panels[0], [latency for _, latency in points], always_log=True)
    panels[0].yaxis.set_major_locator(LogLocator(subs=(1,), numticks=12))
    panels[0].yaxis.set_minor_locator(NullLocator())
    panels[0].yaxis.set_major_formatter(FuncFormatter(lambda latency, _: in_words(latency)))
    panels[0].set_xlim(0, end_us / 1e6)
    panels[-1].set_xlabel("when the request was sent, or meant to be sent (s)")
    notes = [
        "A dot is a request; of dots that would lie on one another the slowest. Grey: the server stood still "
        "(SIGSTOP), as long as its slowest request took. Slow: a twentieth of that or more. Dashed: the p99.",
        "The two panels of the open loop are the same requests. Drawn: the first valid repetition of each loop; "
        "closed and open loop are runs of their own.",
    ]
    not_answered = sum(int(way.run.not_answered or 0) for way in found if way.kind == "corrected")
    if not_answered:
        notes.append(f"Not answered, and at the bound of the run: {not_answered:,}.")
    style.finish(figure, notes + caption.left_out_notes(experiment), caption.facts(experiment))
    return figure
