"""What a course couldn't measure, in words: how many runs are invalid, why, and what helps."""

import textwrap
from collections import Counter
from pathlib import Path
from typing import Sequence

from plots.caption import kind_of
from plots.records import RecordsError, read_experiment

COLUMNS = 78  # of a line
WHAT_HELPS = (
    "What helps: nothing else that computes, two cores or more, a machine that isn't shared; then `make course` again, "
    "or one experiment alone: build/bin/harness sweep NAME"
)


def invalid_runs(results: Path, experiments: Sequence[str]) -> list[str]:
    """Lines for the user; none if every run that is recorded is valid. An experiment that can't be read is left to those
    who draw it."""
    runs, reasons, where = 0, Counter[str](), Counter[str]()
    for name in experiments:
        try:
            experiment = read_experiment(results / name)
        except RecordsError:
            continue
        for run in experiment.runs if experiment else []:
            runs += 1
            if not run.valid:
                reasons[kind_of(run.invalid_reason)] += 1
                where[name] += 1
    if not reasons:
        return []
    why = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    of = ", ".join(f"{name} {count}" for name, count in where.most_common())
    told = [
        f"{sum(reasons.values())} of {runs} runs are invalid, and hollow or hatched in the charts: {why}.",
        f"They are in {of}. {WHAT_HELPS}",
    ]
    return [line for part in told for line in textwrap.wrap(part, COLUMNS)]
