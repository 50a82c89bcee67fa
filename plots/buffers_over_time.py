"""Buffers over time: where the bytes of a fast writer wait while a slow reader takes them, and when the writer has to wait.

A pair of panels for each scenario, all on one time axis. Above, what lies in the kernel, stacked from the reader's side to the
writer's: unread by the receiver, sent and not acknowledged, not sent yet; after the writer's end, what it has left
behind. Below, the bytes so far: accepted by send, and read by the reader. Spans in which send waited are shaded in both.
"""

import math
from collections import defaultdict
from typing import Callable, NamedTuple, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MultipleLocator
from matplotlib.transforms import ScaledTranslation

from plots import caption, style
from plots.records import Experiment, RecordsError, Run, first_runs, read_table

EXPERIMENT = "slow-reader"
CHART = "buffers-over-time"
# In the order of the lesson.
_SCENARIOS = ("default-buffers", "set-buffers", "writable-events")
# Warm colours on the writer's side, cool ones on the reader's. From the bottom of the stack to its top.
_AREAS = {
    "unread": ("#56B4E9", None, "unread by the receiver"),
    "in_flight": ("#CC79A7", None, "sent, not acknowledged"),
    "unsent": ("#E69F00", None, "in the sender's queue, not sent"),
    "left": ("#F6D58A", "//////", "left by the writer, which has ended"),
}
_LINES = {
    "accepted": ("#D55E00", (0, (4, 1.5)), "accepted by send"),
    "read": ("#0072B2", "solid", "read by the reader"),
}
_WAITING = "#E3E3E3"
_END = {"color": "black", "linewidth": 1, "linestyle": (0, (2, 2))}
_SPANS_KEPT = 300


class Event(NamedTuple):
    """A line of the samples; common/timeline/record.h says what the events mean."""

    program: str
    time_ns: int
    event: str
    value: int


class Queues(NamedTuple):
    """Bytes in the kernel at one time, in seconds."""

    time: float
    unread: int
    in_flight: int
    unsent: int
    left: int

    def total(self) -> int:
        return self.unread + self.in_flight + self.unsent + self.left


class Timeline(NamedTuple):
    """One run: times in seconds since its start, and bytes."""

    queues: list[Queues]
    accepted: list[tuple[float, int]]
    read: list[tuple[float, int]]
    waits: list[tuple[float, float]]
    absorbed: int  # accepted when send first had to wait; all, if it never had to
    writer_end: float
    reader_end: float
    other_work: int


def stack(events: Sequence[Event], accepted: int) -> list[Queues]:
    """What the queues held at each sample. Of the other end's queue it is what its last sample said.

    After the writer's end nobody asks its socket any more; what it has left is what send had accepted (`accepted`) and
    the reader neither has read nor finds in its queue.
    """
    rows, last = [], defaultdict(int)
    for event in events:
        last[event.event] = event.value
        if event.event == "closed":
            last["siocoutq"] = last["siocoutqnsd"] = 0
        samples_end = {"fast-writer": "siocoutqnsd", "slow-reader": "read"}[event.program]
        if event.event == samples_end:
            left = accepted - last["read"] - last["siocinq"] if "closed" in last else 0
            # The two ioctls of the writer's sample are not one moment: a send may come between them.
            in_flight = max(0, last["siocoutq"] - last["siocoutqnsd"])
            rows.append(
                Queues(event.time_ns / 1e9, last["siocinq"], in_flight, last["siocoutqnsd"], max(0, left))
            )
    return rows


def read_timeline(experiment: Experiment, run: Run) -> Timeline:
    """The sample file of one run; RecordsError when something is missing in it."""
    path = experiment.folder / run.samples_file
    events = sorted(read_table(path, Event), key=lambda event: event.time_ns)
    found = defaultdict(list)
    for event in events:
        if event.program not in ("fast-writer", "slow-reader"):
            raise RecordsError(
                f"{path}: column 'program': '{event.program}' is neither fast-writer nor slow-reader"
            )
        found[event.event].append((event.time_ns / 1e9, event.value))
    for name in (
        "siocoutq",
        "siocoutqnsd",
        "accepted",
        "finished",
        "closed",
        "siocinq",
        "read",
        "end_of_stream",
    ):
        if not found[name]:
            raise RecordsError(f"{path}: no '{name}'")
    begins, ends = found["blocked_begin"], found["blocked_end"]
    if len(begins) != len(ends) or any(begin > end for (begin, _), (end, _) in zip(begins, ends)):
        raise RecordsError(f"{path}: 'blocked_begin' and 'blocked_end' are no pairs")
    writer_end, total = found["finished"][-1]
    return Timeline(
        queues=stack(events, total),
        accepted=sorted([*found["accepted"], *begins, *ends, *found["finished"]]),
        read=sorted([*found["read"], *found["end_of_stream"]]),
        waits=[(begin, end) for (begin, _), (end, _) in zip(begins, ends)],
        absorbed=begins[0][1] if begins else total,
        writer_end=writer_end,
        reader_end=found["end_of_stream"][-1][0],
        other_work=max((units for _, units in found["other_work"]), default=0),
    )


def in_words(seconds: float) -> str:
    """A time with two digits: 3.2 ms, 150 ms, 2.1 s, 12 s."""
    number, unit = (seconds, "s") if seconds >= 0.9995 else (seconds * 1000, "ms")
    return f"{number:.0f} {unit}" if number >= 9.95 else f"{number:.1f} {unit}"


def lesson(timeline: Timeline) -> str:
    """What a run shows, in words that are computed from it."""
    absorbed, number = style.human_bytes(timeline.absorbed), len(timeline.waits)
    if not number:
        return f"all {absorbed} were absorbed, send never had to wait"
    waited = in_words(sum(end - begin for begin, end in timeline.waits))
    times = f"{number:,} time{'s' * (number != 1)}"
    if timeline.other_work:
        return (
            f"{absorbed} absorbed, then no room {times}, {waited} in all; "
            f"{timeline.other_work:,} units of other work meanwhile"
        )
    return f"{absorbed} absorbed before send waited; blocked {times}, {waited} in all"


def thinned(rows: Sequence, size: Callable, spans: int = _SPANS_KEPT) -> list:
    """Of each of `spans` equal spans of time the lowest and the highest row, in order: no peak and no gap is lost."""
    if len(rows) <= 2 * spans:
        return list(rows)
    begin, width = rows[0][0], (rows[-1][0] - rows[0][0]) / spans or 1
    by_span = defaultdict(list)
    for number, row in enumerate(rows):
        by_span[min(spans - 1, int((row[0] - begin) / width))].append(number)
    kept = {0, len(rows) - 1}
    for numbers in by_span.values():
        kept |= {
            min(numbers, key=lambda number: size(rows[number])),
            max(numbers, key=lambda number: size(rows[number])),
        }
    return [rows[number] for number in sorted(kept)]


def merged(spans: Sequence[tuple[float, float]], nearest: float) -> list[tuple[float, float]]:
    """The spans, with those in one that are less than `nearest` apart."""
    together = []
    for begin, end in spans:
        if together and begin - together[-1][1] < nearest:
            begin = together.pop()[0]
        together.append((begin, end))
    return together


def _scale_bytes(axes: Axes, highest: float, headroom: float, most_steps: int) -> None:
    """An axis from zero with labels at round binary numbers; so many steps up to the highest value, or down to half as many."""
    axes.set_ylim(0, max(highest, 1) * headroom)
    axes.yaxis.set_major_locator(
        MultipleLocator(2 ** max(0, math.ceil(math.log2(max(highest, 1) / most_steps))))
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: style.human_bytes(number)))


def _draw_queues(axes: Axes, timeline: Timeline) -> None:
    """The stacked areas, and the ends of the two programs in words."""
    rows = thinned(timeline.queues, Queues.total)
    times, low = [row.time for row in rows], [0] * len(rows)
    for name, (colour, hatch, _) in _AREAS.items():
        high = [below + getattr(row, name) for below, row in zip(low, rows)]
        if high != low:
            axes.fill_between(
                times,
                low,
                high,
                facecolor=colour,
                hatch=hatch,
                linewidth=0,
                zorder=2,
                label=f"_{name}",
                edgecolor="white" if hatch else colour,
            )
        low = high
    _scale_bytes(axes, max(row.total() for row in rows), 1.3, 4)
    axes.set_ylabel("bytes in the kernel")
    ahead = timeline.reader_end - timeline.writer_end
    early = timeline.writer_end < 0.5 * axes.get_xlim()[1]
    words = f"writer finished,\n{in_words(abs(ahead))} {'before' if ahead >= 0 else 'after'} the reader"
    for place, text, above, side in (
        (timeline.writer_end, words, 0.97, "left" if early else "right"),
        (timeline.reader_end, "reader\nfinished", 0.6, "left"),
    ):
        axes.annotate(
            text,
            (place, above),
            xycoords=("data", "axes fraction"),
            va="top",
            ha=side,
            fontsize=8.5,
            zorder=6,
            xytext=(4 if side == "left" else -4, 0),
            textcoords="offset points",
            linespacing=1.15,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
        )


def _draw_progress(axes: Axes, timeline: Timeline) -> None:
    """The bytes so far, at both ends."""
    for name, (colour, dashes, _) in _LINES.items():
        points = thinned(getattr(timeline, name), lambda point: point[1])
        axes.plot(*zip(*points), color=colour, linestyle=dashes, linewidth=1.5, zorder=4, label=f"_{name}")
    _scale_bytes(axes, timeline.accepted[-1][1], 1.08, 2)
    axes.set_ylabel("bytes\nso far")


def _draw_run(queues: Axes, progress: Axes, name: str, timeline: Timeline) -> None:
    _draw_queues(queues, timeline)
    _draw_progress(progress, timeline)
    queues.set_title(f"{name}: {lesson(timeline)}")
    # More than can be told apart: where the writer hardly runs between them, they are one.
    nearest = timeline.reader_end / _SPANS_KEPT if len(timeline.waits) > _SPANS_KEPT else 0
    waits = [(begin, end - begin) for begin, end in merged(timeline.waits, nearest)]
    for axes in (queues, progress):
        # The bursts between two waits are shorter than a pixel: a white edge keeps the waits apart.
        axes.broken_barh(
            waits,
            (0, 1),
            facecolor=_WAITING,
            edgecolor="white",
            linewidth=min(0.8, 40 / max(1, len(waits))),
            zorder=0.5,
            transform=axes.get_xaxis_transform(),
            label="_waits",
        )
        for end in (timeline.writer_end, timeline.reader_end):
            axes.axvline(end, zorder=5, label="_end", **_END)


def _legend(axes: Axes, figure: Figure) -> None:
    entries = [
        (Patch(facecolor=colour, hatch=hatch, edgecolor="white" if hatch else colour, linewidth=0), words)
        for colour, hatch, words in reversed(_AREAS.values())
    ]
    entries += [
        (Line2D([], [], color=colour, linestyle=dashes, linewidth=1.5), words)
        for colour, dashes, words in _LINES.values()
    ]
    entries.append((Patch(color=_WAITING, linewidth=0), "no room: send waits"))
    handles, labels = zip(*entries)
    above_the_title = axes.transAxes + ScaledTranslation(0, 0.3, figure.dpi_scale_trans)
    axes.legend(
        handles,
        labels,
        ncol=4,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1),
        bbox_transform=above_the_title,
        fontsize=8.5,
        columnspacing=1.6,
        borderaxespad=0,
    )


def draw(experiment: Experiment) -> Figure:
    """The chart: two panels a scenario, queues above and progress below, all on one time axis."""
    runs = first_runs(experiment, _SCENARIOS)
    timelines = [read_timeline(experiment, run) for run in runs]
    figure = style.new_figure(
        10, 1.9 + 3.1 * len(runs), "Buffers over time: where the bytes wait that send has accepted"
    )
    panels = figure.subplots(
        2 * len(runs), 1, sharex=True, gridspec_kw={"height_ratios": [2.1, 1] * len(runs)}
    )
    last = max(timeline.queues[-1].time for timeline in timelines)
    panels[0].set_xlim(-0.01 * last, 1.1 * last)
    for run, timeline, queues, progress in zip(runs, timelines, panels[::2], panels[1::2]):
        _draw_run(queues, progress, run.server, timeline)
        progress.tick_params(axis="x", labelbottom=True)
    panels[-1].set_xlabel("time since the start of the run (s)")
    _legend(panels[0], figure)
    notes = [
        "A writer sends as fast as it can, a reader takes one message at a time and sleeps after each. With set buffers both "
        "ends ask for the same small one (SO_SNDBUF, SO_RCVBUF); with writable events the writer asks epoll "
        "instead of standing in send, and does other work meanwhile.",
        "Sampled every 5 ms (SIOCINQ, SIOCOUTQ, SIOCOUTQNSD); the spans are exact. What has arrived and isn't "
        "acknowledged yet stands in two areas. Left by the writer: accepted, and neither read nor unread yet.",
    ]
    sizes = caption.span(run.message_bytes for run in runs)
    style.finish(
        figure,
        notes,
        [
            f"{caption.span(run.requests for run in runs)} messages of {sizes} bytes · the first "
            "repetition of each · both ends on this machine",
            caption.machine(experiment),
        ],
    )
    return figure
