"""The byte ribbon: which bytes of a stream each send and each read holds, on one byte axis.

Above, what the client handed to each send; below, what each read of a late server gave. A message has one colour and
its number in every row, so that a block with two colours shows two messages in one call, and a colour in two
blocks shows a message that was cut. In a framed stream the headers stand apart, and the decoder's messages are a third row.
"""

from typing import NamedTuple, Optional

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from plots import caption, style
from plots.records import Experiment, RecordsError, Run, first_runs, read_table

EXPERIMENT = "byte-ribbon"
CHART = "byte-ribbon"
# In the order of the lesson: the two troubles, then the cure.
_SCENARIOS = ("sticky", "split", "framed")
_ROWS = {"sent": "client sends", "read": "server reads", "decoded": "decoder gives out"}
_HEIGHT = 0.62
_CUT = {"color": "black", "linewidth": 1.1, "linestyle": (0, (3, 1.5))}


class Span(NamedTuple):
    """Some bytes of the stream: a header, a message, or what one call held."""

    kind: str
    first_byte: int
    bytes: int
    message: Optional[float]

    @property
    def end(self) -> int:
        return self.first_byte + self.bytes


class Ribbon(NamedTuple):
    """The spans of one run, by kind, each in the order of the stream."""

    sent: list[Span]
    read: list[Span]
    decoded: list[Span]
    header: list[Span]
    message: list[Span]

    def units(self) -> list[Span]:
        """What must not be torn apart: each message together with its header, if it has one."""
        first = {header.message: header.first_byte for header in self.header}
        return [
            message._replace(
                first_byte=first.get(message.message, message.first_byte),
                bytes=message.end - first.get(message.message, message.first_byte),
            )
            for message in self.message
        ]

    def cuts(self) -> list[int]:
        """Where a read ends within a message or its header."""
        return [
            read.end
            for read in self.read
            if any(unit.first_byte < read.end < unit.end for unit in self.units())
        ]


def read_ribbon(experiment: Experiment, run: Run) -> Ribbon:
    """The sample file of one run; RecordsError when a kind is unknown or missing."""
    path = experiment.folder / run.samples_file
    spans: dict[str, list[Span]] = {kind: [] for kind in Ribbon._fields}
    for span in read_table(path, Span):
        if span.kind not in spans:
            raise RecordsError(f"{path}: column 'kind': '{span.kind}' is none of {', '.join(spans)}")
        spans[span.kind].append(span)
    for kind in ("sent", "read", "message"):
        if not spans[kind]:
            raise RecordsError(f"{path}: no '{kind}'")
    return Ribbon(**{kind: sorted(some, key=lambda span: span.first_byte) for kind, some in spans.items()})


def counted(number: int, what: str) -> str:
    """Such as "1 read", "3 reads"."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def lesson(ribbon: Ribbon) -> str:
    """What the ribbon shows, in words that are computed from it."""
    words = f"{counted(len(ribbon.sent), 'send')}, {counted(len(ribbon.read), 'read')}: "
    units = ribbon.units()
    cut = [unit for unit in units if any(unit.first_byte < place < unit.end for place in ribbon.cuts())]
    straddling = [
        read
        for read in ribbon.read
        if sum(unit.first_byte < read.end and read.first_byte < unit.end for unit in units) > 1
    ]
    parts = []
    if len(ribbon.read) == 1 and len(units) > 1:
        parts.append(f"{len(units)} messages stick together")
    elif straddling and not ribbon.decoded:
        parts.append(f"{counted(len(straddling), 'read')} with bytes of more than one message")
    if cut:
        parts.insert(0, f"{counted(len(cut), 'message')} cut by reads")
    if ribbon.decoded:
        parts.append(f"{counted(len(ribbon.decoded), 'message')} decoded whole")
    return words + (", ".join(parts) or "each read happens to be one message")


def message_colour(message: float) -> str:
    """The colour of message 1, 2, …; after the last colour the first comes again."""
    return style.MESSAGE_COLOURS[(int(message) - 1) % len(style.MESSAGE_COLOURS)]


def _within(span: Span, call: Span) -> Optional[Span]:
    """The part of `span` that lies in `call`."""
    first, end = max(span.first_byte, call.first_byte), min(span.end, call.end)
    return span._replace(first_byte=first, bytes=end - first) if first < end else None


def _draw_part(axes: Axes, row: int, part: Span) -> None:
    """The bytes of one message, or of its header, within one call: its colour, and its number if there is room."""
    colour, is_header = message_colour(part.message), part.kind == "header"
    axes.add_patch(
        Rectangle(
            (part.first_byte, row - _HEIGHT / 2),
            part.bytes,
            _HEIGHT,
            linewidth=0,
            zorder=2,
            facecolor="white" if is_header else colour,
            hatch="//////" if is_header else None,
            edgecolor=colour,
            label=f"_{part.kind}",
        )
    )
    if not is_header and part.bytes >= 2:
        axes.text(
            part.first_byte + part.bytes / 2,
            row,
            f"{int(part.message)}",
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold",
            color="white",
            zorder=7,
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8},
        )


def _draw_call(axes: Axes, row: int, call: Span, ribbon: Ribbon) -> None:
    """A frame round all that one call held, with its bytes, and the messages in it."""
    for span in (*ribbon.header, *ribbon.message):
        part = _within(span, call)
        if part:
            _draw_part(axes, row, part)
    axes.add_patch(
        Rectangle(
            (call.first_byte, row - _HEIGHT / 2),
            call.bytes,
            _HEIGHT,
            fill=False,
            edgecolor="black",
            linewidth=1.3,
            zorder=5,
            label=f"_{call.kind}",
        )
    )
    axes.text(
        call.first_byte + call.bytes / 2,
        row + _HEIGHT / 2 + 0.04,
        f"{call.bytes} B",
        ha="center",
        va="top",
        fontsize=7,
        color=style.TEXT_GREY,
        zorder=7,
        label="_bytes",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
    )


def _draw_ribbon(axes: Axes, run: Run, ribbon: Ribbon) -> None:
    kinds = [kind for kind in _ROWS if getattr(ribbon, kind)]
    for row, kind in enumerate(kinds):
        for call in getattr(ribbon, kind):
            _draw_call(axes, row, call, ribbon)
    reads = kinds.index("read")
    for cut in ribbon.cuts():
        axes.plot(
            [cut, cut], [-_HEIGHT / 2 - 0.12, reads + _HEIGHT / 2 + 0.12], zorder=6, label="_cut", **_CUT
        )
    axes.set_title(f"{run.server}: {lesson(ribbon)}")
    axes.set_yticks(range(len(kinds)), [_ROWS[kind] for kind in kinds])
    axes.set_ylim(len(kinds) - 0.42, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")


def _legend(axes: Axes, messages: int, framed: bool, any_cut: bool) -> None:
    shown = range(1, min(messages, len(style.MESSAGE_COLOURS)) + 1)
    colours = tuple(Patch(color=message_colour(number)) for number in shown)
    entries = [
        (colours, "a message: colour and number"),
        (Patch(facecolor="none", edgecolor="black", linewidth=1.3), "one call"),
    ]
    if framed:
        entries.append(
            (
                Patch(facecolor="white", edgecolor=style.TEXT_GREY, hatch="//////", linewidth=0),
                "header: the length of a message",
            )
        )
    if any_cut:
        entries.append((Line2D([], [], **_CUT), "a read ends inside a message"))
    handles, labels = zip(*entries)
    axes.legend(
        handles,
        labels,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        ncol=len(entries),
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.16),
        fontsize=8.5,
        columnspacing=1.6,
    )


def draw(experiment: Experiment) -> Figure:
    """The chart: a panel a scenario, all on one scale of bytes."""
    runs = first_runs(experiment, _SCENARIOS)
    ribbons = [read_ribbon(experiment, run) for run in runs]
    heights = [3 if ribbon.decoded else 2 for ribbon in ribbons]
    figure = style.new_figure(
        10,
        2.3 + 0.62 * sum(heights) + 0.2 * len(runs),
        "Byte ribbon: TCP keeps the bytes in order, not the messages apart",
    )
    panels = figure.subplots(
        len(runs), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for axes, run, ribbon in zip(panels, runs, ribbons):
        _draw_ribbon(axes, run, ribbon)
        axes.tick_params(axis="x", labelbottom=True)
    end = max(span.end for ribbon in ribbons for spans in ribbon for span in spans)
    panels[0].set_xlim(-0.005 * end, 1.005 * end)
    panels[0].xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    panels[-1].set_xlabel("byte of the stream")
    _legend(
        panels[0],
        max(len(ribbon.message) for ribbon in ribbons),
        any(ribbon.header for ribbon in ribbons),
        any(ribbon.cuts() for ribbon in ribbons),
    )
    notes = [
        "The reader is late in every panel: the server was halted until the client had sent everything and had "
        "ended. So what a read holds depends on the size of the reader's buffer, not on the sends."
    ]
    style.finish(figure, notes, [caption.machine(experiment)])
    return figure
