"""The command line of the guide: python3 -m common.guide COMMAND."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from .annotations import HandoutError
from .batch import run_handouts, run_lab
from .doctor import print_examination
from .handout import read_handout
from .labs import BadRequest, lab_named, some_labs
from .outcome import BlockFailure, Leave
from .overview import progress_table, request_table, summary_table
from .processes import supervise
from .records import RecordError, Records
from .session import Session
from .terminal import GuideConsole


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        # One line, without the usage: the reader typed `make lab-07`, not this command.
        self.exit(2, f"{self.prog}: {message} (--help shows what is allowed)\n")


def _parser():
    top = _Parser(prog="guide", description="Steps a learner through a lab; runs every handout for CI.")
    top.add_argument("--root", default=".", metavar="DIR", help="the repository's root (default: here)")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lab = commands.add_parser("lab", help="go through a lab (without a terminal: run all its blocks)")
    lab.add_argument("lab", metavar="NN")
    lab.add_argument("--from", dest="first", metavar="STEP", help="start at this step (make: FROM=STEP)")
    lab.add_argument(
        "--restart", action="store_true", help="forget the place and the predictions (make: RESTART=1)"
    )
    lab.add_argument("--batch", action="store_true", help="run all blocks, ask nothing")
    handouts = commands.add_parser("handouts", help="run all handouts, a line a lab")
    handouts.add_argument("labs", nargs="*", metavar="NN")
    parse = commands.add_parser("parse", help="check the annotations of handouts, run nothing")
    parse.add_argument("files", nargs="+", metavar="FILE")
    commands.add_parser("progress", help="labs done, started, open")
    commands.add_parser("doctor", help="what this machine has, lacks, and what that costs")
    commands.add_parser("summary", help="predictions beside measured values")
    return top


def _say(line):
    print(line, flush=True)


def _console():
    # A pipe has no width: 100 columns keep a row of a table on few lines.
    return GuideConsole(width=None if sys.stdout.isatty() else 100)


def _lab(options, records):
    lab = lab_named(options.root, options.lab)
    handout = read_handout(lab.path, lab.shown_path)
    first = _step(options.first, len(handout.steps))
    if options.batch or not (os.isatty(0) and os.isatty(1)):
        if first or options.restart:
            raise BadRequest("FROM and RESTART are for a terminal: without one, every block runs")
        passed_over = run_lab(lab, options.root, records, _say)
        _say(
            f"{lab.shown_path}: ok, {len(handout.blocks) - len(passed_over)} of {len(handout.blocks)} blocks ran"
        )
        return 0
    if options.restart:
        records.forget(lab.name)
    return Session(lab, handout, options.root, records).play(first)


def _step(text, steps):
    if text is None:
        return None
    if not text.isdigit() or not 1 <= int(text) <= steps:
        raise BadRequest(f"FROM takes a step from 1 to {steps}, not `{text}`")
    return int(text)


def _handouts(options, records):
    labs = [lab_named(options.root, name) for name in options.labs] or some_labs(options.root)
    failed = run_handouts(labs, options.root, records, _say)
    return 1 if failed else 0


def _parse(options, _records):
    wrong = 0
    for file in options.files:
        try:
            handout = read_handout(file)
        except HandoutError as error:
            wrong += 1
            print(error, file=sys.stderr)
        else:
            _say(
                f"{file}: ok, {len(handout.steps)} steps, {len(handout.blocks)} blocks, {handout.minutes} minutes"
            )
    return 2 if wrong else 0


def _progress(options, records):
    labs = some_labs(options.root)
    _console().print(progress_table(labs, records))
    return 0


def _doctor(_options, _records):
    return print_examination()


def _summary(options, records):
    table = summary_table(records)
    if table is None:
        print("No predictions yet: `make lab-NN` asks for them.")
    else:
        _console().print(table)
    table = request_table(options.root)
    if table is not None:
        _console().print(table)
    return 0


def main(arguments=None):
    """Runs one command; returns the exit status."""
    streams: tuple[Any, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows ? for a character, and goes on
    options = _parser().parse_args(arguments)
    commands = {
        "lab": _lab,
        "handouts": _handouts,
        "parse": _parse,
        "progress": _progress,
        "doctor": _doctor,
        "summary": _summary,
    }
    if options.command in ("lab", "handouts"):
        # All that starts processes runs under a parent that outlives it and ends what it leaves.
        return supervise(lambda: _checked(commands[options.command], options))
    return _checked(commands[options.command], options)


def _checked(command, options):
    try:
        return command(options, Records(options.root))
    except (BadRequest, HandoutError) as error:
        print(error, file=sys.stderr)
        return 2
    except BlockFailure as failure:
        print(f"{lab_named(options.root, options.lab).shown_path}:{failure.line}: {failure}", file=sys.stderr)
        return 1
    except RecordError as error:
        print(error, file=sys.stderr)
        return 1
    except Leave as leaving:
        return 128 + leaving.number
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our pipe has gone (| head): nothing more to say, and nothing to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
