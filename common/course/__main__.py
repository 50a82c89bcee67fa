"""The course: every experiment of the labs on real sockets, and each chart as soon as its experiment is done.

Run:       make course [PROFILE=full] [SEED=N] [RESUME=1]
Look for:  a line for each stage, and the chart's file below it. How long it takes is said at the start, from the
           last course in this folder where there was one (results/course.csv).

Exit code 0: all as described. 1: something was not, and was said; the rest went on. 2: it can't begin. 130: interrupted;
what is finished is there, and RESUME=1 goes on.
"""

import argparse
import contextlib
import csv
import fcntl
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Optional

from common.guide.commands import main as guide
from plots.__main__ import CHARTS, draw

# What shows most comes first.
EXPERIMENTS = (
    "byte-ribbon",
    "head-of-line",
    "write-write-read",
    "slow-reader",
    "latency-vs-connections",
    "throughput-vs-connections",
    "memory-vs-connections",
    "work-per-request",
    "system-calls",
    "stalled-server",
    "chat-fan-out",
)
# What takes too long for the quick course.
FULL_ALONE = ("latency-vs-rate",)
BEHAVIOURS = "behaviours"
# Lab 11 and its neighbours: each says itself whether it is as described.
DEMONSTRATIONS = (
    "close-unsent",
    "close-unread",
    "half-close",
    "linger-zero",
    "send-after-end",
    "poll-masks",
    "buffer-sizes",
    "at-most-once",
    "exactly-once",
    "vanishing-peer",
)
CANNOT_RUN_HERE = 77


@dataclass(frozen=True)
class Stage:
    """A part of the course. `run` gives its exit code: 0, or 1 where something was not as described."""

    name: str
    run: Callable[[], int]


class CannotGoOn(Exception):
    """A stage ended with a code that is neither 0 nor 1; its own words are on stderr."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


@contextlib.contextmanager
def starting_a_program() -> Iterator[None]:
    """A program that can't be started is said as that: it is no file that can't be written."""
    try:
        yield
    except OSError as error:
        print(f"can't run {error.filename}: {error.strerror}", file=sys.stderr)
        raise CannotGoOn(1) from None


class Seconds:
    """How long each stage took the last time, in a file. A course with another profile is another course."""

    def __init__(self, file: Path, profile: str):
        self.file, self.profile = file, profile
        self.rows: dict[tuple[str, str], float] = {}
        if file.exists():
            with file.open(newline="", encoding="utf-8") as table:
                for row in csv.DictReader(table):
                    self.rows[row["profile"], row["stage"]] = float(row["seconds"])

    def of(self, stages: list[Stage]) -> Optional[float]:
        """Of all these stages; none if one of them has never been run."""
        known = [self.rows.get((self.profile, stage.name)) for stage in stages]
        return None if None in known else sum(filter(None, known))

    def took(self, stage: Stage, seconds: float) -> None:
        """Remembers it at once: an interrupted course loses nothing of it."""
        self.rows[self.profile, stage.name] = seconds
        part = self.file.with_suffix(".part")
        try:
            with part.open("w", newline="", encoding="utf-8") as table:
                rows = csv.writer(table)
                rows.writerow(["profile", "stage", "seconds"])
                rows.writerows([*key, f"{value:.1f}"] for key, value in self.rows.items())
        except OSError:
            part.unlink(missing_ok=True)
            raise
        part.replace(self.file)


def duration(seconds: float) -> str:
    """A time as one says it: "9 s", "2 min 40 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class Course:
    """The stages, and what each of them does."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.results = Path("results")
        self.resumed = options.resume

    def stages(self) -> list[Stage]:
        """In the order in which they run."""
        names = EXPERIMENTS + (FULL_ALONE if self.options.profile == "full" else ())
        sweeps = [Stage(name, lambda name=name: self.sweep(name)) for name in names]  # type: ignore[misc]
        return [
            *sweeps[:4],
            Stage(BEHAVIOURS, self.judge),
            *sweeps[4:],
            Stage("demonstrations", self.demonstrate),
        ]

    def call(self, *words: str) -> int:
        """A program of the labs, to its end; Ctrl-C reaches it too, and it ends in order."""
        with starting_a_program(), subprocess.Popen([self.options.bin / words[0], *words[1:]]) as program:
            try:
                code = program.wait()
            except KeyboardInterrupt:
                program.wait()
                raise
        if code == 130:  # it was told to end, and has said so
            raise KeyboardInterrupt
        if code > 1 or code < 0:
            raise CannotGoOn(code if code > 0 else 128 - code)
        return code

    def sweep(self, experiment: str) -> int:
        """Measures, and draws what there is: an invalid run is no reason to withhold the others."""
        words = ["--profile", self.options.profile, "--seed", str(self.options.seed)]
        if self.resumed and (self.results / experiment).is_dir():
            words.append("--resume")
        code = self.call("harness", "sweep", experiment, *words)
        charts = [chart for chart in CHARTS if chart.EXPERIMENT == experiment]
        drawn = draw(charts, self.results, self.results / "charts")
        return max(code, min(drawn, 1))

    def judge(self) -> int:
        """The behaviour matrix of all servers."""
        return self.call("harness", "check", "--save", str(self.results / "behaviours.json"))

    def demonstrate(self) -> int:
        """Runs the demonstrations; what each prints goes to results/."""
        result = 0
        for name in DEMONSTRATIONS:
            said = self.results / f"{name}.txt"
            with said.open("w", encoding="utf-8") as output, starting_a_program():
                code = subprocess.call([self.options.bin / name], stdout=output)
            if code == 0:
                print(f"{name}: as described", flush=True)
                continue
            result = result if code == CANNOT_RUN_HERE else 1
            print((said.read_text(errors="replace").splitlines() or [f"{name}: exit {code}"])[-1], flush=True)
        return result


def announce(stages: list[Stage], seconds: Seconds) -> None:
    """What comes, and how long it takes."""
    known = seconds.of(stages)
    if known is not None:
        how_long = f"took {duration(known)} the last time"
    elif seconds.profile == "quick":
        how_long = "takes about three minutes on two cores"
    else:
        how_long = "takes some forty minutes on two cores"
    print(f"the {seconds.profile} course: {len(stages)} stages, {how_long}", flush=True)


def run(course: Course) -> int:
    """All stages; returns the exit code."""
    stages = course.stages()
    seconds = Seconds(course.results / "course.csv", course.options.profile)
    announce(stages, seconds)
    result = 0
    begin = time.monotonic()
    for number, stage in enumerate(stages, 1):
        last = seconds.of([stage])
        print(
            f"[{number}/{len(stages)}] {stage.name}" + (f", about {duration(last)}" if last else ""),
            flush=True,
        )
        stage_begin = time.monotonic()
        result = max(result, stage.run())
        seconds.took(stage, time.monotonic() - stage_begin)
    guide(["summary"])
    print(f"the course took {duration(time.monotonic() - begin)}: charts in results/charts/", flush=True)
    if result:
        print("not everything was as described or possible: see above", file=sys.stderr)
    return result


def run_alone(course: Course) -> int:
    """Runs it if no other runs in this folder; returns the exit code."""
    course.results.mkdir(exist_ok=True)
    with (course.results / ".course.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("a course runs in this folder already: wait for its end, or stop it", file=sys.stderr)
            return 2
        return run(course)


def main(arguments: Optional[list[str]] = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="course", description="Runs all labs' experiments, draws the charts."
    )
    parser.add_argument("bin", type=Path, help="the folder of the programs")
    parser.add_argument("profile")
    parser.add_argument("seed")
    parser.add_argument("--resume", action="store_true", help="go on after an interruption")
    options = parser.parse_args(arguments)
    if options.profile not in ("quick", "full"):
        print(f"PROFILE takes quick or full, not '{options.profile}'", file=sys.stderr)
        return 2
    try:
        return run_alone(Course(options))
    except CannotGoOn as error:
        return error.code
    except OSError as error:  # of a write into a full disk, Python doesn't know the file
        print(f"can't write {error.filename or 'into results/'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: what is finished is kept, `make course RESUME=1` goes on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
