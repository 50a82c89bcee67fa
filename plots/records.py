"""Reads what the harness wrote: results/EXPERIMENT/runs.csv, environment.json and the sample files."""

import array
import csv
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional


class RecordsError(Exception):
    """A file of results that can't be used; the message is one line naming file, line and column."""


class Run(NamedTuple):
    """One repetition of one server at one point: a line of runs.csv. None means: not measured."""

    experiment: str
    server: str
    connections: int
    active: int
    message_bytes: int
    loop: str
    repetition: int
    duration_s: Optional[float]
    valid: bool
    invalid_reason: str
    requests: Optional[float]
    requests_per_s: Optional[float]
    p50_us: Optional[float]
    p90_us: Optional[float]
    p99_us: Optional[float]
    p999_us: Optional[float]
    max_us: Optional[float]
    errors: Optional[float]
    timeouts: Optional[float]
    refused: Optional[float]
    corrupt: Optional[float]
    server_cpu_us_per_request: Optional[float]
    server_cpu_share: Optional[float]
    server_voluntary_switches: Optional[float]
    server_involuntary_switches: Optional[float]
    generator_cpu_share: Optional[float]
    generator_run_delay_share: Optional[float]
    steal_share: Optional[float]
    virtual_bytes: Optional[float]
    rss_bytes: Optional[float]
    pss_bytes: Optional[float]
    page_table_bytes: Optional[float]
    kernel_stack_bytes: Optional[float]
    socket_bytes: Optional[float]
    slab_both_ends_bytes: Optional[float]
    threads: Optional[float]
    samples_file: str
    # Records of an earlier version of the harness don't have these columns.
    work_us: int = 0
    wait_us: int = 0
    all_cores: bool = False
    speaking: Optional[float] = None
    server_system_calls_per_request: Optional[float] = None
    foreign_share: Optional[float] = None
    clock_drift_ppm: Optional[float] = None
    # Where the rate was chosen as a share of what a closed loop had reached just before.
    capacity_percent: Optional[float] = None
    capacity_per_s: Optional[float] = None
    # Of an open loop alone; then p50_us to max_us are corrected: from the intended send.
    arrivals: str = ""
    offered_per_s: Optional[float] = None
    achieved_per_s: Optional[float] = None
    lateness_p99_us: Optional[float] = None
    uncorrected_p50_us: Optional[float] = None
    uncorrected_p90_us: Optional[float] = None
    uncorrected_p99_us: Optional[float] = None
    uncorrected_p999_us: Optional[float] = None
    not_answered: Optional[float] = None
    # Of one speaker and many listeners alone.
    first_us: Optional[float] = None
    median_us: Optional[float] = None
    last_us: Optional[float] = None
    silent_whole: Optional[float] = None
    silent_torn: Optional[float] = None
    silent_told: Optional[float] = None
    silent_untold: Optional[float] = None
    silent_cut_off: Optional[float] = None
    growth_bytes: Optional[float] = None

    @property
    def unanswered_percent(self) -> Optional[float]:
        """Of the requests that an open loop offered those without a reply when its span ended; None of a closed loop."""
        if not self.offered_per_s or self.achieved_per_s is None:
            return None
        return max(0.0, 100 * (1 - self.achieved_per_s / self.offered_per_s))

    def failures(self) -> dict[str, int]:
        """The failures that happened, by their kind; a kind that did not happen is not in it."""
        counts = {kind: getattr(self, kind) for kind in ("errors", "timeouts", "refused", "corrupt")}
        return {kind: int(count) for kind, count in counts.items() if count}


class Request(NamedTuple):
    """One request of a sample file; times in microseconds since the start of the run."""

    client: int
    sequence: int
    sent_us: float
    answered_us: Optional[float]


class OfferedRequest(NamedTuple):
    """One request of a sample file of an open loop, or of a closed one that intends nothing; times in microseconds since
    the measured span began. None means: never."""

    intended_us: Optional[float]
    sent_us: Optional[float]
    answered_us: Optional[float]


class ChatEvent(NamedTuple):
    """One event of a sample file of a chat room; times in microseconds since the measured span began. `intended` and `sent`
    are the speaker's, `heard` a listener's, and `silent` names a listener who read nothing before that time.
    """

    event: str
    listener: Optional[float]
    line: Optional[float]
    time_us: float


@dataclass(frozen=True)
class Experiment:
    """All that one experiment recorded."""

    folder: Path
    runs: list[Run]
    environment: dict

    def fact(self, key: str) -> str:
        """What the environment says under `key`, or "unknown"."""
        value = self.environment.get(key)
        return "unknown" if value in (None, "") else str(value)

    def left_out(self) -> list[str]:
        """The servers that the harness left out, each with its reason."""
        stated = self.environment.get("left_out") or []
        return [str(line) for line in stated] if isinstance(stated, list) else [str(stated)]


def _text(cell: str) -> str:
    return cell


def _whole_number(cell: str) -> int:
    try:
        number = int(cell)
    except ValueError:
        raise ValueError("is not a whole number") from None
    if number < 0:
        raise ValueError("is negative")
    return number


def _measurement(cell: str) -> Optional[float]:
    if cell == "":
        return None
    try:
        number = float(cell)
    except ValueError:
        raise ValueError("is not a number") from None
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


def _required_measurement(cell: str) -> float:
    number = _measurement(cell)
    if number is None:
        raise ValueError("is not a number")
    return number


def _yes_or_no(cell: str) -> bool:
    if cell not in ("yes", "no"):
        raise ValueError("is neither yes nor no")
    return cell == "yes"


_READERS = {
    str: _text,
    int: _whole_number,
    float: _required_measurement,
    Optional[float]: _measurement,
    bool: _yes_or_no,
}


def read_table(path: Path, row_type) -> list:
    """Every line of a CSV file as a `row_type`, whose annotations say what each column must hold.

    A column with a default may be missing.
    """
    columns = [(name, _READERS[kind]) for name, kind in row_type.__annotations__.items()]
    defaults = row_type._field_defaults
    rows = []
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            table = csv.reader(file)
            header = next(table, [])
            for name, _ in columns:
                if name not in header and name not in defaults:
                    raise RecordsError(f"{path}: line 1: column '{name}' is missing")
            places = [
                (header.index(name) if name in header else None, name, reader) for name, reader in columns
            ]
            for cells in table:
                if not cells:
                    continue
                values = []
                for place, name, reader in places:
                    if place is None:
                        values.append(defaults[name])
                        continue
                    if place >= len(cells):
                        raise RecordsError(
                            f"{path}: line {table.line_num}: column '{name}' is missing: "
                            "the line is too short"
                        )
                    try:
                        values.append(reader(cells[place]))
                    except ValueError as problem:
                        raise RecordsError(
                            f"{path}: line {table.line_num}: column '{name}': " f"'{cells[place]}' {problem}"
                        ) from None
                rows.append(row_type._make(values))
    except OSError as problem:
        raise RecordsError(f"{path}: {problem.strerror}") from None
    except csv.Error as problem:
        raise RecordsError(f"{path}: line {table.line_num}: {problem}") from None
    return rows


def read_columns(path: Path) -> list[str]:
    """The names in the first line of a CSV file: what the version of the harness that wrote it knew."""
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            return next(csv.reader(file), [])
    except OSError as problem:
        raise RecordsError(f"{path}: {problem.strerror}") from None


def _read_environment(path: Path) -> dict:
    if not path.exists():
        return {}
    try:
        environment = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as problem:
        raise RecordsError(f"{path}: line {problem.lineno}: column {problem.colno}: {problem.msg}") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise RecordsError(f"{path}: {problem}") from None
    if not isinstance(environment, dict):
        raise RecordsError(f"{path}: line 1: an object was expected")
    return environment


def read_experiment(folder: Path) -> Optional[Experiment]:
    """The experiment recorded in `folder`, or None when no repetition of it was finished."""
    runs_file = folder / "runs.csv"
    if not runs_file.exists():
        return None
    runs = read_table(runs_file, Run)
    if not runs:
        return None
    return Experiment(folder, runs, _read_environment(folder / "environment.json"))


def read_requests(experiment: Experiment, run: Run) -> list[Request]:
    """The requests of one repetition, in the order of their sending."""
    requests = read_table(experiment.folder / run.samples_file, Request)
    return sorted(requests, key=lambda request: request.sent_us)


def read_offered_requests(experiment: Experiment, run: Run) -> list[OfferedRequest]:
    """The requests of one repetition with their intended times; RecordsError when there is none."""
    path = experiment.folder / run.samples_file
    requests = read_table(path, OfferedRequest)
    if not requests:
        raise RecordsError(f"{path}: holds no sample")
    return requests


def read_chat_events(experiment: Experiment, run: Run) -> list[ChatEvent]:
    """The events of one repetition; RecordsError when there is none."""
    path = experiment.folder / run.samples_file
    events = read_table(path, ChatEvent)
    if not events:
        raise RecordsError(f"{path}: holds no event")
    return events


def read_latencies_us(experiment: Experiment, run: Run) -> list[float]:
    """The samples of one repetition in microseconds, in the order in which they were measured."""
    path = experiment.folder / run.samples_file
    nanoseconds = array.array("I")  # 32 bits on every Linux
    try:
        nanoseconds.frombytes(path.read_bytes())
    except OSError as problem:
        raise RecordsError(f"{path}: {problem.strerror}") from None
    except ValueError:
        raise RecordsError(f"{path}: is not made of 32-bit numbers") from None
    if not nanoseconds:
        raise RecordsError(f"{path}: holds no sample")
    if sys.byteorder == "big":
        nanoseconds.byteswap()
    return [number / 1000 for number in nanoseconds]


def with_samples(experiment: Experiment) -> list[Run]:
    """All runs, in the order in which they were made; RecordsError when one has no samples."""
    for number, run in enumerate(experiment.runs, start=2):
        if not run.samples_file:
            raise RecordsError(
                f"{experiment.folder / 'runs.csv'}: line {number}: column 'samples_file' is empty"
            )
    return experiment.runs


def first_runs(experiment: Experiment, order: tuple[str, ...]) -> list[Run]:
    """The first repetition of each scenario: those of `order` in that order, then the others by name. RecordsError when
    a run has no samples."""
    by_scenario: dict[str, list[Run]] = {}
    for run in with_samples(experiment):
        by_scenario.setdefault(run.server, []).append(run)
    known = [name for name in order if name in by_scenario]
    others = sorted(set(by_scenario) - set(order))
    return [min(by_scenario[name], key=lambda run: run.repetition) for name in known + others]
