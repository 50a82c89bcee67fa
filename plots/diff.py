"""`harness diff FIRST SECOND`: two folders of results as ratios, second over first, with what can't be compared.

Run:       build/bin/harness diff docs/reference results        or   python3 -m plots.diff docs/reference results
Look for:  `*`: with 6 repetitions or more in both, all of the spread lies above 1, or below it. And for what is said to
           be left out.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import NamedTuple, Optional

from plots.as_program import run
from plots.order_statistics import Interval, median_interval
from plots.records import Experiment, RecordsError, Run, read_columns, read_experiment

COLUMNS = 78  # of a line
SERVER_COLUMNS = 24  # of them, for its name
# Fewer have no interval of that confidence: of 3, the lowest and the highest hold the median with 75 %.
FEWEST_VALUES = 6
FEWEST_REQUESTS_FOR_P99 = 500  # five of them lie above it
# What a machine or a build is, and may be two of: a difference is what one compares for.
FACTS = ("kernel", "cpu", "cores", "clock_source", "congestion_control", "compiler", "flags", "commit")


class Point(NamedTuple):
    """What was measured: the repetitions of one point have all of this in common."""

    experiment: str
    server: str
    connections: int
    active: int
    message_bytes: int
    work_us: int
    wait_us: int
    all_cores: bool
    loop: str
    arrivals: str
    offered_per_s: Optional[
        float
    ]  # None where the rate is a share of the capacity, which repetitions find anew
    capacity_percent: Optional[float]

    def server_in_words(self) -> str:
        """The server, and what each request costs it or how it is asked, where that isn't what it always is."""
        words = self.server
        if self.capacity_percent is not None:  # whatever a request costs: it is the same for all shares
            return f"{words}, {self.capacity_percent:.0f} %"
        words += f", {self.work_us} µs work" if self.work_us else ""
        words += f", {self.wait_us} µs wait" if self.wait_us else ""
        words += ", all cores" if self.all_cores else ""
        return words + (f", {self.offered_per_s:.0f}/s {self.arrivals}" if self.offered_per_s else "")

    def place(self) -> tuple:
        """Where it stands among others."""
        return (*self[:-2], self.capacity_percent or 0, self.offered_per_s or 0)


def _if_idle(run: Run) -> Optional[float]:
    """Memory, of points that are about it: no request was made there."""
    return None if run.requests else run.pss_bytes


def _if_enough(run: Run) -> Optional[float]:
    return run.p99_us if (run.requests or 0) >= FEWEST_REQUESTS_FOR_P99 else None


QUANTITIES: dict[str, Callable[[Run], Optional[float]]] = {
    "requests/s": lambda run: run.requests_per_s,
    "p50": lambda run: run.p50_us,
    "p99": _if_enough,
    "CPU/request": lambda run: run.server_cpu_us_per_request,
    "calls/request": lambda run: run.server_system_calls_per_request,
    "memory (PSS)": _if_idle,
}


@dataclass(frozen=True)
class Ratio:
    """Second over first. From low to high: each end of the one interval over the other end of the other."""

    first: Interval
    second: Interval

    def differs(self) -> bool:
        """True if 1 lies outside, and there are values enough to say so."""
        enough = min(self.first.n, self.second.n) >= FEWEST_VALUES
        return enough and (self.second.low > self.first.high or self.second.high < self.first.low)

    def text(self) -> str:
        """Its columns: ratio, spread, a mark where it differs, and how many values are behind it."""
        low, high = self.second.low / self.first.high, self.second.high / self.first.low
        ratio = self.second.median / self.first.median
        mark = "*" if self.differs() else " "
        return f"{ratio:7.2f} {f'{low:.2f} – {high:.2f}':>13} {mark} {self.first.n}, {self.second.n}"


def ratio_of(
    first: Iterable[Run], second: Iterable[Run], quantity: Callable[[Run], Optional[float]]
) -> Optional[Ratio]:
    """None if it wasn't measured in both, or is 0 in one: that has no ratio."""
    both = [[value for run in runs if (value := quantity(run)) is not None] for runs in (first, second)]
    if not all(both) or any(value <= 0 for values in both for value in values):
        return None
    return Ratio(median_interval(both[0]), median_interval(both[1]))


@dataclass
class Folder:
    """One experiment of one folder of results."""

    profile: str
    columns: list[str]
    environment: dict
    points: dict[Point, list[Run]] = field(default_factory=dict)

    def valid(self, point: Point) -> list[Run]:
        """The valid repetitions of the point."""
        return [run for run in self.points[point] if run.valid]


def experiments_in(folder: Path) -> dict[str, Folder]:
    """Experiment → what `folder` has of it: a folder of all results, or of one experiment. RecordsError when it has none."""
    if not folder.is_dir():
        raise RecordsError(f"{folder}: is no folder")
    places = [folder] if (folder / "runs.csv").exists() else sorted(folder.iterdir())
    found: dict[str, Folder] = {}
    for place in places:
        # What an experiment had before its last sweep stays beside it; named itself, it is meant.
        if place != folder and place.suffix == ".previous":
            continue
        experiment = read_experiment(place)
        if experiment is None:
            continue
        _sort_in(found, experiment)
    if not found:
        raise RecordsError(f"{folder}: has no results: 'make course' and 'harness sweep' make them")
    return found


def _sort_in(found: dict[str, Folder], experiment: Experiment) -> None:
    columns = read_columns(experiment.folder / "runs.csv")
    for run in experiment.runs:
        one = found.setdefault(
            run.experiment, Folder(experiment.fact("profile"), columns, experiment.environment)
        )
        point = Point(*(getattr(run, name) for name in Point._fields))
        if point.capacity_percent is not None:
            point = point._replace(offered_per_s=None)
        one.points.setdefault(point, []).append(run)


def different_facts(pairs: Iterable[tuple[Folder, Folder]]) -> list[str]:
    """A line for each fact of the surroundings that isn't the same in both."""
    lines = []
    for first, second in pairs:
        for fact in FACTS:
            was, now = (one.environment.get(fact, "unknown") for one in (first, second))
            line = f"{fact}: {was} in the first, {now} in the second"
            if was != now and line not in lines:
                lines.append(line)
    return lines


def _by_server(points: Iterable[Point]) -> str:
    connections: dict[str, list[str]] = {}
    for point in sorted(points, key=Point.place):
        connections.setdefault(point.server_in_words(), []).append(str(point.connections))
    return "; ".join(f"{server} at {', '.join(numbers)}" for server, numbers in connections.items())


def what_is_missing(first: Folder, second: Folder) -> Iterator[str]:
    """What of an experiment can't be compared."""
    for name, one, other in (("first", first, second), ("second", second, first)):
        if columns := [column for column in one.columns if column not in other.columns]:
            yield f"another version: only the {name} has the columns {', '.join(columns)}"
        if points := one.points.keys() - other.points.keys():
            yield f"only in the {name}: {_by_server(points)}"
        shared = one.points.keys() & other.points.keys()
        if points := {point for point in shared if not one.valid(point)}:
            yield f"no valid run in the {name}: {_by_server(points)}"


def ratios(first: Folder, second: Folder) -> Iterator[str]:
    """A line for each point and quantity that both have measured."""
    for point in sorted(first.points.keys() & second.points.keys(), key=Point.place):
        server = point.server_in_words()
        rows = []
        for name, quantity in QUANTITIES.items():
            ratio = ratio_of(first.valid(point), second.valid(point), quantity)
            if ratio is not None:
                rows.append(f"  {name:<13}{ratio.text()}")
        # A long name has a line of its own: what would be cut off may be what it is about.
        if rows and len(server) > SERVER_COLUMNS:
            yield _folded(server)
            server = ""
        labels = [
            f"  {server:<{SERVER_COLUMNS}} {point.connections:>6}",
            *[" " * (SERVER_COLUMNS + 9)] * len(rows),
        ]
        yield from (label + row for label, row in zip(labels, rows))


def compare(firsts: dict[str, Folder], seconds: dict[str, Folder]) -> tuple[list[str], bool]:
    """The report, and whether there is a ratio in it."""
    shared = [name for name in firsts if name in seconds]
    lines = [_folded(line, "") for line in different_facts((firsts[name], seconds[name]) for name in shared)]
    for name, one, other in (("first", firsts, seconds), ("second", seconds, firsts)):
        if only := [experiment for experiment in one if experiment not in other]:
            lines.append(_folded(f"only in the {name}: {', '.join(only)}", ""))
    compared = False
    for experiment in shared:
        first, second = firsts[experiment], seconds[experiment]
        lines += ["", experiment]
        if first.profile != second.profile:
            lines.append(_folded(f"not compared: profile {first.profile} and {second.profile}"))
            continue
        rows = list(ratios(first, second))
        if rows:
            lines.append(f"  {'server':<20}connections  {'second / first':>20}        spread   n")
        lines += rows or ["  nothing that both have measured"]
        lines += [_folded(line) for line in what_is_missing(first, second)]
        compared = compared or bool(rows)
    if compared:
        lines += [
            "",
            f"*: all of the spread lies above 1, or below it; told of {FEWEST_VALUES} repetitions or more",
        ]
    return lines, compared


def _folded(text: str, margin: str = "  ") -> str:
    return fill(text, COLUMNS, initial_indent=margin, subsequent_indent=margin + "  ", break_on_hyphens=False)


def main(arguments: list[str]) -> int:
    """Print the report; 0 if there is a ratio in it, 1 if nothing could be compared, 2 for folders that have no results."""
    parser = argparse.ArgumentParser(prog="harness diff", description="Two folders of results as ratios.")
    parser.add_argument("first", type=Path, help="a folder of results, or of one experiment")
    parser.add_argument("second", type=Path, help="the other: what it has over what the first has")
    options = parser.parse_args(arguments)
    try:
        lines, compared = compare(experiments_in(options.first), experiments_in(options.second))
    except (RecordsError, OSError) as problem:
        print(f"harness: diff: {problem}", file=sys.stderr)
        return 2
    print("\n".join(lines).strip("\n"))
    return 0 if compared else 1


if __name__ == "__main__":
    sys.exit(run(main))
