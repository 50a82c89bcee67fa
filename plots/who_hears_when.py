"""Who hears when: every line to every listener of a small chat room on one time axis, a panel a room.

The last listener reads nothing while it is spoken. A room that waits for him lets all others wait; that are the coloured
bars. Lines that came promptly are grey, so the colour is the waiting.
"""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from plots import caption, style
from plots.head_of_line import LEAST_VISIBLE, LONG_WAIT_US, first_repetitions
from plots.records import Experiment, RecordsError, Run, read_chat_events
from plots.write_write_read import in_words

EXPERIMENT = "chat-fan-out"
CHART = "who-hears-when"
# More rows can't be told apart.
MOST_LISTENERS = 30


@dataclass(frozen=True)
class Timeline:
    """Who heard what in one run; times in microseconds. `silent`: when each who didn't read began to."""

    intended: dict[int, float]
    heard: dict[int, dict[int, float]]
    silent: dict[int, float]

    def end_us(self) -> float:
        """When the last line was said, or heard by anybody."""
        return max(
            [*self.intended.values(), *(time for lines in self.heard.values() for time in lines.values())],
            default=1,
        )

    def waits(self, listener: int) -> list[tuple[float, float]]:
        """Intended and heard, of each line that he has heard, in the order of the lines."""
        return [(self.intended[line], time) for line, time in sorted(self.heard[listener].items())]


def read_timeline(experiment: Experiment, run: Run) -> Timeline:
    """The timeline of a run's samples; RecordsError for a line that was never meant to be said."""
    intended: dict[int, float] = {}
    heard: dict[int, dict[int, float]] = {listener: {} for listener in range(1, run.connections + 1)}
    silent: dict[int, float] = {}
    for event in read_chat_events(experiment, run):
        if event.event == "intended" and event.line is not None:
            intended[int(event.line)] = event.time_us
        if event.event == "silent" and event.listener is not None:
            silent[int(event.listener)] = event.time_us
        if event.event == "heard" and event.listener is not None and event.line is not None:
            if int(event.line) not in intended or int(event.listener) not in heard:
                raise RecordsError(
                    f"{experiment.folder / run.samples_file}: listener {event.listener:g} heard line {event.line:g}, "
                    "and one of them there isn't"
                )
            heard[int(event.listener)][int(event.line)] = event.time_us
    return Timeline(intended, heard, silent)


def merged(spans: list[tuple[float, float]], least: float = 0) -> list[tuple[float, float]]:
    """Spans in order of their beginning, `least` long at least; those that touch become one."""
    bars: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        end = max(end, begin + least)
        if bars and begin <= bars[-1][1]:
            bars[-1] = (bars[-1][0], max(bars[-1][1], end))
        else:
            bars.append((begin, end))
    return bars


def what_the_silent_found(run: Run) -> str:
    """Such as "190 lines whole, told of 211 dropped"."""
    parts = [f"{run.silent_whole or 0:.0f} lines whole"]
    parts += [f"{run.silent_torn:.0f} torn"] if run.silent_torn else []
    parts += [f"told of {run.silent_told:.0f} dropped"] if run.silent_told else []
    parts += [f"{run.silent_untold:.0f} lost without a word"] if run.silent_untold else []
    parts += ["told that he is cut off"] if run.silent_cut_off else []
    return ", ".join(parts)


def _draw_bars(axes: Axes, row: int, spans: list[tuple[float, float]], height: float, **look) -> None:
    seconds = [(begin / 1e6, (end - begin) / 1e6) for begin, end in spans]
    axes.broken_barh(seconds, (row - height / 2, height), **look)


def _draw_listener(axes: Axes, listener: int, timeline: Timeline, end_us: float, colour: str) -> None:
    prompt, slow = [], []
    for begin, end in timeline.waits(listener):
        (prompt if end - begin <= LONG_WAIT_US else slow).append((begin, end))
    reads_us = timeline.silent.get(listener)
    if reads_us is not None:
        hatch = {"facecolors": "white", "edgecolors": "#BBBBBB", "hatch": "/////", "linewidths": 0.5}
        _draw_bars(axes, listener, [(0, reads_us)], 0.86, zorder=4, label="_silence", **hatch)
        slow = [(max(begin, reads_us), end) for begin, end in slow]
    _draw_bars(
        axes,
        listener,
        merged(prompt, LEAST_VISIBLE * end_us),
        0.5,
        facecolors=style.PROMPT_GREY,
        label="_prompt",
    )
    _draw_bars(
        axes, listener, merged(slow, LEAST_VISIBLE * end_us), 0.86, facecolors=colour, zorder=3, label="_long"
    )
    never = [
        time
        for line, time in timeline.intended.items()
        if reads_us is None and line not in timeline.heard[listener]
    ]
    if never:
        look = {"marker": "x", "color": style.FAILURE_RED, "markersize": 4, "linestyle": "none"}
        axes.plot([time / 1e6 for time in never], [listener] * len(never), zorder=5, label="_never", **look)


def _draw_room(axes: Axes, run: Run, timeline: Timeline, end_us: float) -> None:
    for listener in timeline.heard:
        _draw_listener(axes, listener, timeline, end_us, style.server_style(run.server).colour)
    waits = [
        end - begin
        for listener in timeline.heard
        if listener not in timeline.silent
        for begin, end in timeline.waits(listener)
    ]
    longest = f"who reads waits {in_words(max(waits))} at most" if waits else "who reads heard nothing"
    title = f"{run.server}: {longest}; who doesn't: {what_the_silent_found(run)}"
    axes.set_title(title if run.valid else f"{title} (invalid)", fontsize=8.5)
    names = {listener: "doesn't read" if listener in timeline.silent else "" for listener in timeline.heard}
    axes.set_yticks(list(names), list(names.values()), fontsize=7)
    axes.set_ylim(max(names) + 0.6, 0.4)
    axes.set_xlim(0, end_us / 1e6)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel(f"{len(names)} listeners", fontsize=8)
    axes.grid(False, axis="y")


def smallest_rooms(experiment: Experiment) -> list[Run]:
    """The first repetition of each room with the fewest listeners that were measured; RecordsError where they are many."""
    fewest = min(run.connections for run in experiment.runs)
    if fewest > MOST_LISTENERS:
        raise RecordsError(
            f"{experiment.folder / 'runs.csv'}: no room has {MOST_LISTENERS} listeners or fewer"
        )
    small = [run for run in experiment.runs if run.connections == fewest]
    return first_repetitions(Experiment(experiment.folder, small, experiment.environment))


def draw(experiment: Experiment) -> Figure:
    """The chart: the first repetition of each room at its smallest, the panels on one time axis in seconds."""
    runs = smallest_rooms(experiment)
    timelines = {run.server: read_timeline(experiment, run) for run in runs}
    end_us = max(timeline.end_us() for timeline in timelines.values())
    figure = style.new_figure(10, 1.6 + 1.3 * len(runs), "Who hears when: one listener doesn't read")
    panels = figure.subplots(len(runs), 1, sharex=True, squeeze=False)[:, 0]
    for axes, run in zip(panels, runs):
        _draw_room(axes, run, timelines[run.server], end_us)
    panels[-1].set_xlabel("time since the first line (s)")
    colours = [style.server_style(run.server).colour for run in runs]
    entries = [
        (Patch(color=style.PROMPT_GREY), f"heard within {LONG_WAIT_US / 1000:.0f} ms"),
        (Patch(color=colours[0]), "waited longer (a colour a room)"),
        (Patch(facecolor="white", edgecolor="#BBBBBB", hatch="/////"), "doesn't read"),
    ]
    handles, labels = zip(*entries)
    panels[0].legend(handles, labels, ncol=3, loc="lower left", bbox_to_anchor=(-0.01, 1.2), fontsize=8.5)
    lines = caption.span(len(timeline.intended) for timeline in timelines.values())
    notes = [
        f"A row is a listener; a bar lasts from the intended send of a line to the moment when he has it. {lines} lines of "
        f"{runs[0].message_bytes} bytes. Whoever doesn't read begins to at the end of the hatching, and finds what the title "
        "says (whole: marks that were said later among them). Drawn: the first repetition of each room."
    ]
    invalid = [f"{run.server}: {run.invalid_reason or 'no reason recorded'}" for run in runs if not run.valid]
    notes += [f"Invalid: {'; '.join(invalid)}."] if invalid else []
    style.finish(figure, [*notes, *caption.left_out_notes(experiment)], caption.facts(experiment))
    return figure
