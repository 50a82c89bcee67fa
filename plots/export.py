"""`harness export`: the exact samples of an experiment for other tools, as HdrHistogram's log or as CSV.

Run:       build/bin/harness export results/load --hdr load.hlog --csv load.csv      or   python3 -m plots.export results/load …
Look for:  a tag a run, its name and whether it was valid. An open loop has two: from the intended send (corrected), and from
           the real one (uncorrected).
"""

import argparse
import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple, Optional

from plots import hdr_log
from plots.as_program import run
from plots.records import (
    Experiment,
    RecordsError,
    Run,
    read_experiment,
    read_latencies_us,
    read_offered_requests,
)

OFFERED = "intended_us,sent_us,answered_us"
COLUMNS = ("run", "valid", "answered", "latency_us", "uncorrected_latency_us")


class Sample(NamedTuple):
    """One request: its latency in microseconds, and the one from the real send where the loop was open."""

    answered: bool
    latency_us: float
    uncorrected_us: Optional[float]


def tag_of(run: Run) -> str:
    """The name of a run: that of its file of samples, which has no blank and no comma."""
    name = Path(run.samples_file).stem
    return name if run.valid else f"invalid-{name}"


def has_latencies(experiment: Experiment, run: Run) -> bool:
    """Whether the samples of a run are requests with their latencies: those of some experiments are other events."""
    if not run.samples_file.endswith(".csv"):
        return bool(run.samples_file)
    try:
        with open(experiment.folder / run.samples_file, encoding="utf-8", errors="replace") as file:
            return file.readline().strip() == OFFERED
    except OSError as problem:
        raise RecordsError(f"{experiment.folder / run.samples_file}: {problem.strerror}") from None


def samples_of(experiment: Experiment, run: Run) -> Iterator[Sample]:
    """All requests of a run. One without an answer stands at the bound of the run, as in its percentiles."""
    if not run.samples_file.endswith(".csv"):
        for latency in read_latencies_us(experiment, run):
            yield Sample(True, latency, None)
        return
    bound = run.max_us or 0.0
    for intended, sent, answered in read_offered_requests(experiment, run):
        if answered is None or sent is None:
            yield Sample(False, bound, bound)
        elif intended is None:
            yield Sample(True, answered - sent, None)
        else:
            yield Sample(True, answered - intended, answered - sent)


def intervals(experiment: Experiment, runs: Iterable[Run]) -> Iterator[hdr_log.Interval]:
    """A line of the log for each run, or two. The runs stand one behind the other: when each was made isn't recorded."""
    start_s = 0.0
    for run in runs:
        length_s, samples = run.duration_s or 0.0, list(samples_of(experiment, run))
        corrected = [round(1000 * sample.latency_us) for sample in samples]
        uncorrected = [round(1000 * s.uncorrected_us) for s in samples if s.uncorrected_us is not None]
        tag = tag_of(run)
        yield hdr_log.Interval(f"{tag}-corrected" if uncorrected else tag, start_s, length_s, corrected)
        if uncorrected:
            yield hdr_log.Interval(f"{tag}-uncorrected", start_s, length_s, uncorrected)
        start_s += length_s


def hdr_text(experiment: Experiment, runs: Iterable[Run]) -> Iterator[str]:
    """The log, line by line. It starts when the experiment did, or in 1970 where that isn't recorded."""
    try:
        began = datetime.strptime(experiment.fact("time"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        began = datetime.fromtimestamp(0, timezone.utc)
    for line in hdr_log.lines(began.timestamp(), began.isoformat(), intervals(experiment, runs)):
        yield line + "\n"


def csv_text(experiment: Experiment, runs: Iterable[Run]) -> Iterator[str]:
    """A line for each request of each run."""
    row = io.StringIO()
    writer = csv.writer(row, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run in runs:
        for sample in samples_of(experiment, run):
            real = "" if sample.uncorrected_us is None else f"{sample.uncorrected_us:.3f}"
            yes_or_no = ("yes" if run.valid else "no", "yes" if sample.answered else "no")
            writer.writerow((Path(run.samples_file).stem, *yes_or_no, f"{sample.latency_us:.3f}", real))
        yield row.getvalue()
        row.seek(0)
        row.truncate()


def write(path: Path, text: Iterable[str]) -> None:
    """Under another name first, so that a file is whole or not there."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.writelines(text)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def main(arguments: list[str]) -> int:
    """Write the files and name them; 0 when written, 1 when they can't be, 2 when there is nothing to write."""
    parser = argparse.ArgumentParser(prog="harness export", description="The exact samples for other tools.")
    parser.add_argument("folder", type=Path, help="the folder of one experiment")
    parser.add_argument("--hdr", type=Path, help="the file for HdrHistogram's log")
    parser.add_argument("--csv", type=Path, help="the file for a line a request")
    options = parser.parse_args(arguments)
    files = [(options.hdr, hdr_text), (options.csv, csv_text)]
    try:
        experiment = read_experiment(options.folder)
        if experiment is None:
            raise RecordsError(f"{options.folder}: has no runs; give the folder of one experiment")
        runs = [run for run in experiment.runs if has_latencies(experiment, run)]
        if not runs:
            raise RecordsError(f"{options.folder}: its samples hold no latencies")
        for path, text_of in files:
            if path is not None:
                write(path, text_of(experiment, runs))
    except RecordsError as problem:
        print(f"harness: export: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"harness: export: can't write {problem.filename}: {problem.strerror}", file=sys.stderr)
        return 1
    written = " and ".join(str(path) for path, _ in files if path is not None)
    void = sum(not run.valid for run in runs)
    print(f"{len(runs)} run{'s' * (len(runs) != 1)}, {void} of them invalid and tagged so: {written}")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
