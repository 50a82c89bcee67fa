"""Waiting, client by client: every request of every client on one time axis.

Client 0 connects first and says nothing for a while. A server that waits for it leaves all others waiting: it gets a
panel with a row a client, where that shows as long coloured bars. Prompt requests are grey ticks, so the colour is the
waiting. The servers behind which nobody waits share a panel, with a row a server.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plots import caption, style
from plots.records import Experiment, RecordsError, Request, Run, read_requests

EXPERIMENT = "head-of-line"
CHART = "waiting-client-by-client"
LONG_WAIT_US = 50_000
# The least length of a bar, as a share of the time axis: about a point of print, so that 20 µs can be seen.
LEAST_VISIBLE = 0.0015
SILENT_CLIENT = 0


def prompt_bars(requests: list[Request], least_us: float) -> list[tuple[float, float]]:
    """Start and end, in microseconds, of the bars of prompt requests in order of their sending.

    A bar is at least `least_us` long. Bars that touch become one: nobody could see the seam between them, and
    a hundred thousand bars would make the file unusable.
    """
    bars: list[tuple[float, float]] = []
    for request in requests:
        start, end = request.sent_us, max(request.answered_us, request.sent_us + least_us)
        if bars and start <= bars[-1][1]:
            bars[-1] = (bars[-1][0], max(bars[-1][1], end))
        else:
            bars.append((start, end))
    return bars


def spoke_us(requests: list[Request], never: float) -> float:
    """When the silent client first spoke, in microseconds since the start of the run; `never` if it didn't."""
    return min((request.sent_us for request in requests if request.client == SILENT_CLIENT), default=never)


def waits_us(requests: list[Request]) -> list[float]:
    """How long each answered request waited, in microseconds."""
    return [request.answered_us - request.sent_us for request in requests if request.answered_us is not None]


def in_milliseconds(microseconds: float) -> str:
    """Such as "2,021 ms" or "0.6 ms"."""
    milliseconds = microseconds / 1000
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def longest_wait(requests: list[Request]) -> str:
    """The longest wait of any answered request, in words, and how many were never answered."""
    waits = waits_us(requests)
    unanswered = len(requests) - len(waits)
    words = f"longest wait {in_milliseconds(max(waits))}" if waits else "no request was answered"
    return f"{words}, {unanswered:,} never answered" if unanswered else words


def somebody_waits(requests: list[Request]) -> bool:
    """True if a request was never answered, or waited for a good part of the time in which the one client was silent.

    A busy machine makes anybody wait for a while now and then.
    """
    waits = waits_us(requests)
    long = max(LONG_WAIT_US, spoke_us(requests, never=0) / 4)
    return len(waits) < len(requests) or max(waits, default=0) > long


def finding(requests_of: dict[str, list[Request]]) -> str:
    """What the chart shows, in a line made from the requests."""
    behind = {server: requests for server, requests in requests_of.items() if somebody_waits(requests)}
    others = [wait for server, of in requests_of.items() if server not in behind for wait in waits_us(of)]
    prompt = f"nobody waits longer than {in_milliseconds(max(others))}" if others else ""
    if not behind:
        return f"One client says nothing: {prompt or 'no request was answered'}"
    longest = max((wait for of in behind.values() for wait in waits_us(of)), default=None)
    who = next(iter(behind)) if len(behind) == 1 else f"{len(behind)} servers"
    words = f"One silent client: behind {who} all wait"
    if longest is not None:
        words += f" for up to {in_milliseconds(longest)}"
    return f"{words}; behind the others {prompt}" if prompt else words


def _draw_bars(axes: Axes, row: int, spans_us: list[tuple[float, float]], height: float, **look) -> None:
    spans = [(start / 1e6, (end - start) / 1e6) for start, end in spans_us]
    axes.broken_barh(spans, (row - height / 2, height), **look)


def _draw_requests(axes: Axes, row: int, requests: list[Request], end_us: float, colour: str) -> None:
    """A row: grey ticks for prompt answers, the server's colour for long waits, x for no answer."""
    prompt, slow = [], []
    for request in requests:
        is_prompt = request.answered_us is not None and request.answered_us - request.sent_us <= LONG_WAIT_US
        (prompt if is_prompt else slow).append(request)
    if prompt:
        _draw_bars(
            axes,
            row,
            prompt_bars(prompt, LEAST_VISIBLE * end_us),
            0.5,
            facecolors=style.PROMPT_GREY,
            label="_prompt",
        )
    if slow:
        spans = [
            (request.sent_us, end_us if request.answered_us is None else request.answered_us)
            for request in slow
        ]
        _draw_bars(
            axes,
            row,
            spans,
            0.86,
            facecolors=colour,
            edgecolors="white",
            linewidths=0.3,
            zorder=3,
            label="_long",
        )
    if any(request.answered_us is None for request in slow):
        axes.plot(
            [end_us / 1e6],
            [row],
            marker="x",
            color=style.FAILURE_RED,
            markersize=6,
            markeredgewidth=1.8,
            linestyle="none",
            clip_on=False,
            zorder=5,
            label="_unanswered",
        )


def _draw_silence(axes: Axes, silent_us: float, end_us: float) -> None:
    """Shade the time in which the silent client says nothing, and say when it ends."""
    _draw_bars(
        axes,
        SILENT_CLIENT,
        [(0, silent_us)],
        0.86,
        facecolors="white",
        edgecolors="#BBBBBB",
        hatch="/////",
        linewidths=0.5,
        zorder=2,
        label="_silence",
    )
    seconds = f"{silent_us / 1e6:.1f}".removesuffix(".0")
    words = f"silent until {seconds} s" if silent_us < end_us else "silent to the end"
    axes.text(
        silent_us / 2e6,
        SILENT_CLIENT,
        words,
        ha="center",
        va="center",
        fontsize=7,
        zorder=4,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
    if silent_us < end_us:
        axes.axvline(silent_us / 1e6, color=style.TEXT_GREY, linewidth=0.8, linestyle=":", zorder=1)


def _told(run: Run, requests: list[Request]) -> str:
    """The longest wait behind a server, what failed, and why its run is invalid."""
    words = longest_wait(requests)
    if run.failures():
        words += f" ({caption.failure_words(run.failures())})"
    return words if run.valid else f"{words} (invalid: {run.invalid_reason or 'no reason recorded'})"


def _draw_server(axes: Axes, run: Run, requests: list[Request], end_us: float) -> None:
    """A panel with a row a client."""
    clients = range(max([SILENT_CLIENT, *(request.client for request in requests)]) + 1)
    for client in clients:
        _draw_requests(
            axes,
            client,
            [request for request in requests if request.client == client],
            end_us,
            style.server_style(run.server).colour,
        )
    _draw_silence(axes, spoke_us(requests, end_us), end_us)
    axes.set_title(f"{run.server}: {_told(run, requests)}")
    axes.set_yticks(
        list(clients),
        ["silent client" if client == SILENT_CLIENT else f"client {client}" for client in clients],
        fontsize=7,
    )
    axes.set_ylim(clients[-1] + 0.6, -0.6)


def _draw_prompt(axes: Axes, runs: list[Run], requests_of: dict[str, list[Request]], end_us: float) -> None:
    """The panel of the servers behind which nobody waits: a row a server, all its clients in it."""
    for row, run in enumerate(runs):
        requests = requests_of[run.server]
        _draw_requests(axes, row, requests, end_us, style.server_style(run.server).colour)
        axes.text(
            1.01, row, _told(run, requests), transform=axes.get_yaxis_transform(), fontsize=8, va="center"
        )
    first_us = min(spoke_us(requests_of[run.server], end_us) for run in runs)
    if first_us < end_us:
        axes.axvline(first_us / 1e6, color=style.TEXT_GREY, linewidth=0.8, linestyle=":", zorder=1)
    axes.set_title("Nobody waits: all clients of a server in one row")
    axes.set_yticks(range(len(runs)), [run.server for run in runs])
    axes.set_ylim(len(runs) - 0.4, -0.6)


def _legend(axes: Axes, axes_inches: float, servers: list[str], any_unanswered: bool) -> None:
    colours = tuple(Patch(color=style.server_style(server).colour) for server in servers)
    entries = [
        (Patch(color=style.PROMPT_GREY), f"answered within {LONG_WAIT_US / 1000:.0f} ms"),
    ]
    if servers:
        entries.append((colours, f"waited longer than {LONG_WAIT_US / 1000:.0f} ms"))
        entries.append((Patch(facecolor="white", edgecolor="#BBBBBB", hatch="/////"), "says nothing"))
    if any_unanswered:
        cross = Line2D([], [], color=style.FAILURE_RED, marker="x", linestyle="none", markeredgewidth=1.8)
        entries.append((cross, "never answered"))
    handles, labels = zip(*entries)
    axes.legend(
        handles,
        labels,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        ncol=len(entries),
        loc="lower left",
        bbox_to_anchor=(-0.01, 1 + 0.3 / axes_inches),
        fontsize=8.5,
    )


def first_repetitions(experiment: Experiment) -> list[Run]:
    """The first repetition of each server that has one with samples, in the order of the labs."""
    with_samples = [run for run in experiment.runs if run.samples_file]
    if not with_samples:
        raise RecordsError(
            f"{experiment.folder / 'runs.csv'}: line 2: column 'samples_file' is empty, "
            "here and in every other line"
        )
    return [
        min((run for run in with_samples if run.server == server), key=lambda run: run.repetition)
        for server in style.in_order(run.server for run in with_samples)
    ]


def draw(experiment: Experiment) -> Figure:
    """The chart: the first repetition of each server, the panels on one time axis in seconds."""
    runs = first_repetitions(experiment)
    requests_of = {run.server: read_requests(experiment, run) for run in runs}
    times = [
        time
        for requests in requests_of.values()
        for request in requests
        for time in (request.sent_us, request.answered_us)
        if time is not None
    ]
    end_us = max([*times, *((run.duration_s or 0) * 1e6 for run in runs), 1])
    waiting = [run for run in runs if somebody_waits(requests_of[run.server])]
    prompt = [run for run in runs if run not in waiting]
    inches = [2.4] * len(waiting) + [max(1.2, 0.5 + 0.24 * len(prompt))] * bool(prompt)
    figure = style.new_figure(11, 2.0 + sum(inches), finding(requests_of))
    panels = figure.subplots(
        len(inches), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": inches}
    )[:, 0]
    for axes, run in zip(panels, waiting):
        _draw_server(axes, run, requests_of[run.server], end_us)
    if prompt:
        _draw_prompt(panels[-1], prompt, requests_of, end_us)
    for axes in panels:
        axes.grid(False, axis="y")
        axes.set_xlim(0, end_us / 1e6)
        axes.tick_params(axis="y", length=0)
    panels[-1].set_xlabel("time since the start of the run (s)")
    _legend(
        panels[0],
        inches[0],
        [run.server for run in waiting],
        any(request.answered_us is None for requests in requests_of.values() for request in requests),
    )
    notes = [
        f"The first client to connect says nothing at first. A bar lasts from the sending of a request to its answer, and "
        f"is drawn at least {LEAST_VISIBLE * end_us / 1000:.0f} ms long. Drawn: the first repetition of each server."
    ]
    without = style.in_order({run.server for run in experiment.runs} - set(requests_of))
    if without:
        notes.append(f"Without samples: {', '.join(without)}.")
    style.finish(figure, notes + caption.left_out_notes(experiment), caption.facts(experiment))
    return figure
