"""`python3 -m plots`: draw every chart whose experiment was run, as SVG and PNG."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from plots import (
    buffers_over_time,
    byte_ribbon,
    chat_fan_out,
    head_of_line,
    latency,
    latency_and_rate,
    memory,
    stalled_server,
    system_calls,
    throughput,
    who_hears_when,
    work_per_request,
    write_write_read,
)
from plots.as_program import show_what_the_locale_lacks
from plots.records import RecordsError, read_experiment

CHARTS = (
    byte_ribbon,
    write_write_read,
    buffers_over_time,
    head_of_line,
    latency,
    memory,
    throughput,
    work_per_request,
    system_calls,
    stalled_server,
    latency_and_rate,
    chat_fan_out,
    who_hears_when,
)


def save(figure: Figure, output: Path, chart: str) -> list[Path]:
    """Write OUTPUT/CHART.svg and .png, under other names first, so that a chart is whole or not there."""
    parts = {output / f".{chart}.{kind}.part": output / f"{chart}.{kind}" for kind in ("svg", "png")}
    try:
        for part, final in parts.items():
            kind = final.suffix[1:]
            # A date would make equal results give different files.
            figure.savefig(part, format=kind, metadata={"Date": None} if kind == "svg" else None)
        for part, final in parts.items():
            os.replace(part, final)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return list(parts.values())


def draw(charts: Iterable, results: Path, output: Path) -> int:
    """Draw these charts and name their files; 0 when drawn, 1 when they can't be written, 2 when there is nothing to
    draw from."""
    # All figures before any file: a broken record must not leave new charts beside old ones.
    figures = []
    skipped = []
    try:
        for chart in charts:
            experiment = read_experiment(results / chart.EXPERIMENT)
            if experiment is None:
                skipped.append(f"{chart.CHART}: skipped, {results / chart.EXPERIMENT} has no runs")
            else:
                figures.append((chart.CHART, chart.draw(experiment)))
    except RecordsError as problem:
        print(problem, file=sys.stderr)
        return 2
    if not figures:
        print(f"no results in {results}: `make course` makes them", file=sys.stderr)
        return 2
    for line in skipped:
        print(line)
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, figure in figures:
            print(f"{name}: {' '.join(str(path) for path in save(figure, output, name))}", flush=True)
    except OSError as problem:
        print(f"{problem.filename or output}: {problem.strerror}", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str]) -> int:
    """Draw all charts; the exit code is that of `draw`."""
    parser = argparse.ArgumentParser(prog="python3 -m plots", description=__doc__)
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="where the harness wrote (%(default)s)"
    )
    parser.add_argument("--output", type=Path, help="where the charts go (RESULTS/charts)")
    options = parser.parse_args(arguments)
    return draw(CHARTS, options.results, options.output or options.results / "charts")


if __name__ == "__main__":
    show_what_the_locale_lacks()
    sys.exit(main(sys.argv[1:]))
