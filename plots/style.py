"""The one place for how charts look: the colour and marker of each server, units, axes, the footer.

A family of servers has its hues: loops over all clients orange, one process or thread a client black and grey,
readiness blue and green, completions pink. They are those of the Okabe-Ito palette, which readers with any common
colour blindness can tell apart, with shades inside a family. Markers differ as well, so that no chart depends on
colour alone.
"""

import csv
import math
import textwrap
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Optional, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator


@dataclass(frozen=True)
class ServerStyle:
    """How one server is drawn in every chart."""

    colour: str
    marker: str


def _known_servers() -> dict[str, ServerStyle]:
    """The looks of our servers in the order of the labs, which is the order of panels. The list is servers.csv."""
    path = Path(__file__).resolve().parents[1] / "common" / "harness" / "servers.csv"
    with open(path, newline="", encoding="utf-8") as file:
        return {row["server"]: ServerStyle(row["colour"], row["marker"]) for row in csv.DictReader(file)}


_SERVERS = _known_servers()
# Cases of an experiment that is not about servers: they stand in the same column, in charts of their own.
_SCENARIOS = {
    "nagle": ServerStyle("#D55E00", "s"),
    "nodelay": ServerStyle("#0072B2", "o"),
}
# The chat rooms of lab 16, in the order of its rounds: never in a chart with the servers.
_ROOMS = {
    "chat-wait": ServerStyle("#D55E00", "o"),
    "chat-forget": ServerStyle("#CC79A7", "s"),
    "chat-keep": ServerStyle("#E69F00", "^"),
    "chat-drop": ServerStyle("#0072B2", "D"),
    "chat-cut-off": ServerStyle("#56B4E9", "v"),
    "chat-threads": ServerStyle("#000000", "P"),
    "chat-io-uring": ServerStyle("#009E73", "X"),
}
# Messages of a stream, in order; those of the palette on which white numbers can be read.
MESSAGE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
# Dark shades of the palette, so that a reader's own server is not taken for one of ours.
_OTHER_COLOURS = ("#7A3600", "#00563F", "#003F63", "#7A3F60", "#7A5500", "#2E6180")
_OTHER_MARKERS = ("p", "h", "*", "8")

PROMPT_GREY = "#A8A8A8"
QUIET_GREY = "#E9E9E9"
TEXT_GREY = "#555555"
FAILURE_RED = "#C00000"
FOOTER_POINTS = 7.5
LABEL_POINTS = 8
TITLE_INCHES = 0.36


def server_style(server: str) -> ServerStyle:
    """The colour and marker of a server, of a scenario or a chat room; a name that is not ours always gets the same one, too."""
    if server in _SERVERS:
        return _SERVERS[server]
    for others in (_SCENARIOS, _ROOMS):
        if server in others:
            return others[server]
    number = zlib.crc32(server.encode())
    colour = _OTHER_COLOURS[number % len(_OTHER_COLOURS)]
    return ServerStyle(colour, _OTHER_MARKERS[number // len(_OTHER_COLOURS) % len(_OTHER_MARKERS)])


def in_order(servers: Iterable[str]) -> list[str]:
    """Each server or room once: ours in the order of the labs, then the others by name."""
    ours = [*_SERVERS, *_ROOMS]
    return sorted(set(servers), key=lambda name: (ours.index(name) if name in ours else len(ours), name))


def new_figure(width_inches: float, height_inches: float, title: str) -> Figure:
    """An empty figure in the lab's style."""
    matplotlib.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "grid.color": QUIET_GREY,
            "legend.frameon": False,
            "hatch.linewidth": 0.6,
            # Without a fixed salt every drawing names its parts anew, and equal results give different files.
            "svg.hashsalt": "plots",
        }
    )
    figure = Figure(figsize=(width_inches, height_inches), dpi=150, facecolor="white")
    set_title(figure, title)
    return figure


def set_title(figure: Figure, title: str) -> None:
    """Give a figure its title, in one line: a long one is written smaller."""
    width, height = figure.get_size_inches()
    letters = 8.6 * width  # that fit at 13 points
    figure.suptitle(
        title,
        x=0.012,
        y=1 - 0.1 / height,
        ha="left",
        va="top",
        fontsize=13 * min(1, letters / max(len(title), 1)),
        fontweight="bold",
    )


def finish(figure: Figure, notes: Sequence[str], facts: Sequence[str]) -> None:
    """Write the notes, then the facts about the run, under the finished chart, and lay all of it out."""
    width, height = figure.get_size_inches()
    letters_a_line = int(width * 15.5)
    lines = [
        (part, TEXT_GREY if line in facts else "black")
        for line in [*notes, *facts]
        for part in textwrap.wrap(line, letters_a_line)
    ]
    line_inches = FOOTER_POINTS * 1.5 / 72
    margin_inches = 0.1
    for place, (line, colour) in enumerate(reversed(lines)):
        figure.text(
            0.012,
            (margin_inches + place * line_inches) / height,
            line,
            fontsize=FOOTER_POINTS,
            color=colour,
            va="bottom",
        )
    footer_share = (2 * margin_inches + len(lines) * line_inches) / height
    chart_share = 1 - footer_share - TITLE_INCHES / height
    figure.set_layout_engine(
        "constrained", rect=(0.005, footer_share, 0.99, chart_share), w_pad=0.06, h_pad=0.06
    )
    # The layout's last digits differ from one drawing to the next; rounded, equal results give equal files.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(share, 4) for share in axes.get_position().bounds])


def apart(places: Sequence[float], gap: float) -> list[float]:
    """The ascending `places`, moved as little as it takes to lie `gap` from one another, and within 0 to 1."""
    # What has to move together moves to where its members lie on average (pool adjacent violators).
    pools: list[list[float]] = []
    for number, place in enumerate(places):
        pools.append([place - number * gap])
        while len(pools) > 1 and sum(pools[-2]) / len(pools[-2]) > sum(pools[-1]) / len(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    highest = max(0.0, 1 - (len(places) - 1) * gap)
    moved = [min(max(sum(pool) / len(pool), 0.0), highest) for pool in pools for _ in pool]
    return [place + number * gap for number, place in enumerate(moved)]


def label_ends(
    axes: Axes,
    ends: dict[str, tuple[float, float]],
    height_inches: float,
    words: Optional[dict[str, str]] = None,
) -> None:
    """Each server's name (and its `words`) beside the axes, where its line ends, in its colour; names that would lie on one
    another stand apart.

    Call it last: the axes' limits are final then. `height_inches` is about how high they will be.
    """
    to_share = axes.transScale + axes.transLimits
    heights = {server: to_share.transform(end)[1] for server, end in ends.items()}
    servers = sorted(ends, key=lambda server: heights[server])
    places = apart([heights[server] for server in servers], LABEL_POINTS * 1.2 / 72 / height_inches)
    for server, place in zip(servers, places):
        colour = server_style(server).colour
        axes.annotate(
            server + (words or {}).get(server, ""),
            ends[server],
            xytext=(1.03, place),
            textcoords="axes fraction",
            va="center",
            fontsize=LABEL_POINTS,
            color=colour,
            annotation_clip=False,
            # To the name's left end: a line to its middle would run through it.
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.5,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 3,
            },
            label="_end",
        )


def human_bytes(number: float) -> str:
    """A number of bytes with three digits and a binary unit: 112 B, 36.2 KiB, 8 MiB."""
    magnitude = abs(number)
    unit = 0
    while magnitude >= 999.5 and unit < 4:
        magnitude /= 1024
        unit += 1
    decimals = 0 if unit == 0 or magnitude >= 100 else 1 if magnitude >= 10 else 2
    digits = f"{magnitude:.{decimals}f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    sign = "−" if number < 0 and digits != "0" else ""
    return f"{sign}{digits} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[unit]}"


def with_thousands(number: float) -> str:
    """A plain number with thousands separators: 0.5, 20, 12,500."""
    return f"{number:,.0f}" if abs(number) >= 10 else f"{number:.3g}"


def scale_connections(
    axes: Axes, connections: Iterable[float], most_labels: int = 10, linear_below: float = 1
) -> None:
    """A logarithmic x axis over all the numbers of open connections, labelled at measured ones.

    Where 0 was measured, it has a place: the axis is linear up to `linear_below`.
    """
    measured = sorted(set(connections))
    if measured[0] == 0:
        axes.set_xscale("symlog", linthresh=linear_below)
        axes.set_xlim(-0.2 * linear_below, max(measured[-1], 1) * 1.3)
    else:
        axes.set_xscale("log")
        axes.set_xlim(measured[0] / 1.3, measured[-1] * 1.3)
    # Neighbours nearer than this on the axis would write their labels over one another.
    nearest = max(1.4, (measured[-1] / max(measured[0], 1)) ** (1 / (most_labels - 1)))
    labelled = [measured[-1]]
    for number in reversed(measured[:-1]):
        if number == 0 or number * nearest <= labelled[-1]:
            labelled.append(number)
    axes.xaxis.set_major_locator(FixedLocator(sorted(labelled)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    axes.set_xlabel("open connections")


def scale_values(axes: Axes, values: Sequence[float], always_log: bool = False) -> None:
    """A y axis for measured values: from zero, or logarithmic where they range over more than 20 times."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: with_thousands(number)))
    low, high = min(values, default=0), max(values, default=1)
    if low <= 0 or not (always_log or high / low > 20):
        axes.set_ylim(min(0, low), high * 1.15 if high > 0 else 1)
        return
    axes.set_yscale("log")
    axes.set_ylim(low / 1.6, high * 1.8)
    steps = (1,) if high / low > 1000 else (1, 2, 5)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: with_thousands(number)))


def scale_bytes(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic y axis in KiB, MiB, GiB with at most six labels; linear near a value of 0."""
    low, high = min(values, default=1024), max(values, default=1024**2)
    top = max(high, 1024) * 1.6
    if low <= 0:
        axes.set_yscale("symlog", linthresh=1024)
        bottom, lowest_label = (low * 1.6 if low < 0 else -200), 1024.0
    else:
        axes.set_yscale("log")
        bottom = lowest_label = min(low / 1.6, top / 5)
    axes.set_ylim(bottom, top)
    first, last = math.ceil(math.log2(lowest_label)), math.floor(math.log2(top))
    step = max(1, math.ceil((last - first + 1) / 6))
    labels = [2.0**power for power in range(first, last + 1, step)]
    if low <= 0:
        labels.append(0.0)
    if low <= -1024:
        labels.append(-(2.0 ** math.floor(math.log2(-low))))
    axes.yaxis.set_major_locator(FixedLocator(sorted(labels)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: human_bytes(number)))
