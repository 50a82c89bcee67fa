"""Write–write–read: how long each round takes, with Nagle's algorithm and with TCP_NODELAY.

On the left the rounds in their order, so that the first ones, which are fast because ACKs aren't delayed yet, stand
apart; on the right the share of the rounds that took at most so long. Both share one logarithmic axis of time.
"""

from statistics import median, median_low

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from plots import caption, style
from plots.records import Experiment, read_latencies_us, with_samples

EXPERIMENT = "write-write-read"
CHART = "write-write-read"
# A round that waits for a delayed ACK takes 40 ms; one that doesn't, far less. Between the two there is nothing.
STALLED_US = 10_000
_LABELS = {"nagle": "Nagle's algorithm (the default)", "nodelay": "TCP_NODELAY"}


def in_words(microseconds: float) -> str:
    """A time with three digits: 8.25 µs, 44 ms, 1.2 s."""
    for unit, size in (("µs", 1), ("ms", 1e3)):
        if microseconds / size < 999.5:
            return f"{microseconds / size:.3g} {unit}"
    return f"{microseconds / 1e6:.3g} s"


def cumulative_share(times: list[float]) -> list[tuple[float, float]]:
    """Corners of the empirical distribution: a time, and the share of the times that are not above it."""
    ordered = sorted(times)
    return [(time, number / len(ordered)) for number, time in enumerate(ordered, start=1)]


def fast_at_first(times: list[float]) -> int:
    """How many rounds went by before the first that stalled; 0 if none stalled."""
    return next((number for number, time in enumerate(times) if time >= STALLED_US), 0)


def medians(runs: dict[str, list[list[float]]]) -> dict[str, float]:
    """For each scenario the median over its repetitions of their medians, in microseconds.

    The median of a repetition is a time that was measured (nearest rank), as in the harness's records.
    """
    return {name: median(median_low(times) for times in repetitions) for name, repetitions in runs.items()}


def lesson(typical: dict[str, float]) -> str:
    """What the chart shows, in words that are computed from the medians."""
    if not {"nagle", "nodelay"} <= set(typical):
        return "; ".join(f"{name}: median {in_words(time)}" for name, time in typical.items())
    words = (
        f"median {in_words(typical['nagle'])} with Nagle's algorithm, {in_words(typical['nodelay'])} without"
    )
    ratio = float(f"{typical['nagle'] / typical['nodelay']:.2g}")
    return (
        f"{words}: {style.with_thousands(ratio)} times as long" if ratio >= 2 else f"{words}: no delay here"
    )


def _draw_rounds(axes: Axes, runs: dict[str, list[list[float]]]) -> None:
    """Every round of every repetition, in order."""
    for name, repetitions in runs.items():
        look = style.server_style(name)
        for times in repetitions:
            axes.plot(
                range(1, len(times) + 1),
                times,
                color=look.colour,
                marker=look.marker,
                markersize=3.5,
                linestyle="none",
                alpha=0.6,
                markeredgewidth=0,
                label=name,
            )
    rounds = max(len(times) for repetitions in runs.values() for times in repetitions)
    axes.set_xscale("log")
    axes.set_xlim(0.8, rounds * 1.2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("round of the connection")
    axes.set_ylabel("time of a round")
    axes.set_title("Each round, in order")
    quick_starts = [times for times in runs.get("nagle", []) if fast_at_first(times)]
    if quick_starts:
        colour, last = style.server_style("nagle").colour, fast_at_first(quick_starts[0])
        axes.annotate(
            "nothing is delayed yet",
            (last, quick_starts[0][last - 1]),
            xytext=(12, 14),
            textcoords="offset points",
            fontsize=8.5,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8},
        )


def _draw_distribution(axes: Axes, runs: dict[str, list[list[float]]], typical: dict[str, float]) -> None:
    """A line a repetition: the share of its rounds that took at most so long. The median is written beside it."""
    for name, repetitions in runs.items():
        look = style.server_style(name)
        for times in repetitions:
            corners = cumulative_share(times)
            axes.step(
                [0, *(100 * share for _, share in corners)],
                [corners[0][0], *(time for time, _ in corners)],
                where="pre",
                color=look.colour,
                linewidth=1.6,
                label=name,
            )
        axes.plot(
            [50],
            [typical[name]],
            marker=look.marker,
            color=look.colour,
            markersize=7,
            markeredgecolor="white",
            zorder=4,
            label="_median",
        )
        above = typical[name] < max(typical.values())  # the upper one has its room below
        axes.annotate(
            f"{_LABELS.get(name, name)}\nmedian {in_words(typical[name])}",
            (50, typical[name]),
            xytext=(0, 10 if above else -10),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=9,
            color=look.colour,
            fontweight="bold",
        )
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the rounds that took at most so long (%)")
    axes.set_title("Distribution")


def _first_rounds(runs: dict[str, list[list[float]]]) -> str:
    """How the first rounds went where rounds stalled, in a sentence."""
    fast = [fast_at_first(times) for times in runs.get("nagle", []) if max(times) >= STALLED_US]
    if not fast:
        return ""
    return (
        f"Rounds before the first slow one, with Nagle's algorithm: {caption.span(fast)}. A connection begins by "
        "acknowledging at once. "
    )


def draw(experiment: Experiment) -> Figure:
    """The chart: rounds in order on the left, their distribution on the right, one axis of time."""
    runs: dict[str, list[list[float]]] = {}
    for run in sorted(with_samples(experiment), key=lambda run: (run.server, run.repetition)):
        runs.setdefault(run.server, []).append(read_latencies_us(experiment, run))
    typical = medians(runs)
    figure = style.new_figure(10, 5.2, f"Write, write, read: {lesson(typical)}")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_rounds(left, runs)
    _draw_distribution(right, runs, typical)
    style.scale_values(
        left,
        [time for repetitions in runs.values() for times in repetitions for time in times],
        always_log=True,
    )
    left.yaxis.set_major_formatter(FuncFormatter(lambda microseconds, _: in_words(microseconds)))
    notes = [
        "A round: the client writes 4 bytes, then 10, then waits for the answer. Nagle's algorithm holds the second "
        "write back until the first is acknowledged; the other end delays that acknowledgement, since it hopes to "
        "send it along with an answer; and it can't answer half a request.",
        _first_rounds(runs)
        + "This is another matter than sticking: TCP_NODELAY makes the rounds fast, but it "
        "keeps no messages apart.",
    ]
    rounds = caption.span(len(times) for repetitions in runs.values() for times in repetitions)
    often = caption.span(len(repetitions) for repetitions in runs.values())
    style.finish(
        figure,
        notes,
        [
            f"n = {often} repetition{'s' * (often != '1')} of {rounds} rounds for each · one "
            "connection, both ends on this machine",
            caption.machine(experiment),
        ],
    )
    return figure
