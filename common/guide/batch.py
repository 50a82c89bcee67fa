"""Runs a handout without a reader: every block, no questions; the first block that fails ends it."""

import time

from . import duration, verdict
from .annotations import HandoutError
from .handout import read_handout
from .outcome import BlockFailure
from .predictions import NotMeasured, measure, shown
from .records import RecordError
from .stage import Stage

TIMEOUT_SECONDS = 60.0
LAST_LINES = 20


def run_lab(lab, root, records, say):
    """Runs every block of a lab; returns the blocks that were passed over because the machine lacks a tool.

    Raises BlockFailure at the first block that isn't as the handout says, HandoutError for a malformed handout.
    `say` gets lines of progress and all output.
    """
    handout = read_handout(lab.path, lab.shown_path)
    passed_over = []
    results = []
    with Stage(
        handout, root, lambda source, line: say(f"  [{source}] {line}" if source else f"  {line}")
    ) as stage:
        for block in handout.blocks:
            missing = stage.unmet(block)
            if missing:
                say(f"{lab.shown_path}:{block.line}: passed over, there is no {', '.join(missing)} here")
                passed_over.append(block)
                continue
            say(f"{lab.shown_path}:{block.line}: $ " + block.command.replace("\n", "\n  $ "))
            result = stage.run(block, block.timeout or TIMEOUT_SECONDS)
            _check(lab, block, result, records, say)
            _check_servers(stage)
            results.append(result)
    if not passed_over:
        _check_minutes(lab, handout, results, say)
    return passed_over


def _check_minutes(lab, handout, results, say):
    questions = sum(len(block.predictions) for block in handout.blocks)
    seconds = sum(result.seconds for result in results)
    page = lab.path.read_text(encoding="utf-8")
    taken = duration.minutes(page, [result.lines for result in results], seconds, questions)
    say(f"{lab.shown_path}: takes {taken:.0f} minutes by its words, runs and questions")
    if not duration.is_honest(handout.minutes, taken):
        raise BlockFailure(1, f"the page says {handout.minutes} minutes; it takes {taken:.0f}")


def _check(lab, block, result, records, say):
    if result.interrupted:
        raise KeyboardInterrupt
    surprise = verdict.surprise(block, result)
    if surprise:
        line, what = surprise
        shows_output = "\n" in what or not result.lines
        raise BlockFailure(
            line, what if shows_output else f"{what}; its last output:\n" + _tail(result.lines)
        )
    wide = verdict.too_wide(block, result.lines)
    if wide:
        raise BlockFailure(block.line, wide)
    disturbed = verdict.is_disturbed(result.lines)
    for prediction in block.predictions:
        try:
            measured = measure(prediction, result.lines)
        except NotMeasured as error:
            raise BlockFailure(prediction.line, f"{error}\n" + _tail(result.lines)) from None
        if disturbed:
            say(f"  {prediction.id}: INVALID, not recorded")
            continue
        records.measured(lab.name, prediction, measured, "batch")
        say(f"  {prediction.id}: {shown(measured, prediction.unit)}")


def _check_servers(stage):
    for block, what in stage.unexpected_ends:
        raise BlockFailure(
            block.line, f"the server {block.server} ended by itself ({what}); `may-end` allows it"
        )


def _tail(lines):
    return "\n".join(f"    {line}" for line in lines[-LAST_LINES:])


def run_handouts(labs, root, records, say):
    """Runs labs one after the other, a line each; returns how many failed. One that fails doesn't stop the others."""
    failed = 0
    width = max((len(lab.name) for lab in labs), default=0)
    for lab in labs:
        start = time.monotonic()
        trouble, note = None, ""
        try:
            passed_over = run_lab(lab, root, records, lambda line: None)
            note = f"  ({len(passed_over)} blocks passed over)" if passed_over else ""
        except BlockFailure as failure:
            trouble = f"{lab.shown_path}:{failure.line}: {failure}"
        except (HandoutError, RecordError, OSError) as error:
            trouble = str(error)  # the first two name their place themselves
        failed += trouble is not None
        say(
            f"{lab.name:<{width}}  {'FAILED' if trouble else 'ok':<6}  {time.monotonic() - start:6.1f} s{note}"
        )
        if trouble:
            say(trouble)
    return failed
