"""Judges the judge: every server and chat room again and again, and how often the answers were those of its row.

Run:       python3 -m common.harness.judging.repeat --times 20
           python3 -m common.harness.judging.repeat --times 5 --busy epoll faulty-epoll one-send
           python3 -m common.harness.judging.repeat --times 20 rooms
Look for:  "20 of 20" behind every name; what deviates stands below it with its evidence. Exit code 1 if anything
           deviates. results/judged.csv has a row for each run.
"""

import argparse
import csv
import json
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import partial
from threading import Event

from common.harness.judging.faulty.catalogue import (
    BIN,
    ROOT,
    faulty_rooms,
    faulty_servers,
    known_rooms,
    known_servers,
)

COLUMNS = ["server", "run", "busy", "seconds", "as_expected", "deviations"]
# As long as its parent lives: it must not outlive a run that is killed.
BUSY_LOOP = ["sh", "-c", "while kill -0 $PPID 2>/dev/null; do :; done"]


class Subject:
    """A server or chat room to judge: the harness's command and what it takes, and the right answers."""

    def __init__(self, command, name, words, expects):
        self.command, self.name, self.words, self.expects = command, name, words, expects
        self.runs = self.good = 0
        self.deviations = []


def can_run(name):
    """True unless this machine lacks something for the server: 77 says so, and without liburing there is none."""
    program = BIN / name
    return program.exists() and subprocess.call([program, "--help"], stdout=subprocess.DEVNULL) == 0


def row_expects(row, behaviour, answer):
    """True if this answer is that of a row of servers.csv or chat_rooms.csv."""
    return row[behaviour] == answer


def all_subjects():
    """Our own servers that can run here, then the faulty ones; and the same of rooms."""
    subjects = []
    for command, known, faulty in (
        ("check", known_servers(), faulty_servers()),
        ("check-chat", known_rooms(), faulty_rooms()),
    ):
        subjects += [
            Subject(command, name, [name], partial(row_expects, known[name]))
            for name in known
            if can_run(name)
        ]
        subjects += [Subject(command, one.name, one.command(), one.expects) for one in faulty]
    return subjects


def choose(names):
    """The subjects with these names: of a server, of a fault, or of a program with all its faults; `servers` or `rooms`.
    All for none."""
    subjects = all_subjects()
    chosen = []
    for name in names:
        kinds = {"check": "servers", "check-chat": "rooms"}
        found = [one for one in subjects if name in (one.name, *one.name.split("/"), kinds[one.command])]
        if not found:
            sys.exit(f"repeat: unknown server '{name}': there are {', '.join(one.name for one in subjects)}")
        chosen += [one for one in found if one not in chosen]
    return chosen or subjects


def judge(subject, only, running, stop):
    """One run of `harness check`: its seconds, and what deviates from the row, in words. Raises CancelledError when
    it was interrupted."""
    if stop.is_set():
        raise CancelledError
    begin = time.monotonic()
    command = [BIN / "harness", subject.command, "--json", *only, *subject.words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as check:
        running.add(check)
        out, err = check.communicate()
        running.discard(check)
    if stop.is_set():
        raise CancelledError
    seconds = time.monotonic() - begin
    try:
        findings = json.loads(out)["servers"][0]["findings"]
    except (ValueError, LookupError):
        return seconds, [f"no answer, exit {check.returncode}: {err.strip()[-300:]}"]
    return seconds, [
        f"{one['behaviour']} {one['answer']}: {one['evidence']}"
        for one in findings
        if not subject.expects(one["behaviour"], one["answer"])
    ]


def repeat(subjects, options, table):
    """Judges all of them `times` times, round by round, so that an interruption finds all about equally often
    judged. Returns False if it was interrupted."""
    only = ["--only", options.only] if options.only else []
    total, done = len(subjects) * options.times, 0
    running: set = set()
    stop = Event()
    with ThreadPoolExecutor(options.at_once) as pool:
        runs = {
            pool.submit(judge, subject, only, running, stop): (subject, run)
            for run in range(1, options.times + 1)
            for subject in subjects
        }
        try:
            for future in as_completed(runs):
                subject, run = runs[future]
                seconds, deviations = future.result()
                done += 1
                subject.runs += 1
                subject.good += not deviations
                subject.deviations += [f"run {run}: {text}" for text in deviations]
                table.writerow(
                    [
                        subject.name,
                        run,
                        options.busy,
                        f"{seconds:.1f}",
                        not deviations,
                        " | ".join(deviations),
                    ]
                )
                word = "as expected" if not deviations else "DEVIATES: " + "; ".join(deviations)
                print(
                    f"{done}/{total} {subject.name}, run {run}, {seconds:.1f} s: {word}",
                    file=sys.stderr,
                    flush=True,
                )
        except KeyboardInterrupt:
            stop.set()
            for future in runs:
                future.cancel()
            for check in list(running):
                check.terminate()
            return False
    return True


def main():
    """Returns the exit code: 0 if every answer was as expected, 1 if one wasn't, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(description="Judge every server N times; count the runs as expected.")
    parser.add_argument("names", nargs="*", help="servers, faults, or programs with faults; all without any")
    parser.add_argument("--times", type=int, default=20, help="how often each is judged (default 20)")
    parser.add_argument("--busy", action="store_true", help="beside two loops that keep two cores busy")
    parser.add_argument("--only", default="", help="these behaviours only, with commas between")
    parser.add_argument("--at-once", type=int, choices=[1, 2], default=1, help="how many at the same time")
    options = parser.parse_args()
    if options.times < 1:
        parser.error("argument --times: at least 1")
    subjects = choose(options.names)
    results = ROOT / "results"
    results.mkdir(exist_ok=True)
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # ends as Ctrl-C does: with what is known so far
    with ExitStack() as stack:
        table = csv.writer(
            stack.enter_context(open(results / "judged.csv", "w", encoding="utf-8", buffering=1))
        )
        table.writerow(COLUMNS)
        for _ in range(2 if options.busy else 0):
            loop = stack.enter_context(subprocess.Popen(BUSY_LOOP))
            stack.callback(loop.kill)
        whole = repeat(subjects, options, table)
    for subject in subjects:
        print(f"{subject.name:50} {subject.good} of {subject.runs}")
        for text in subject.deviations:
            print(f"    {text}")
    if not whole:
        return 130
    return 0 if all(subject.good == subject.runs for subject in subjects) else 1


if __name__ == "__main__":
    sys.exit(main())
