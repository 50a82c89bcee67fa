"""What the tests of real processes share: starting programs, waiting for what must come, finding what is left.

Nothing here sleeps and hopes: whatever takes time is asked for again until it is there or a deadline is over.
"""

import contextlib
import csv
import os
import re
import resource
import secrets
import select
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from common.testing.conversation import CONVERSATION

ROOT = Path(__file__).resolve().parents[2]
BIN = (ROOT / os.environ.get("BIN", "build/bin")).resolve()
CANNOT_RUN_HERE = 77
ABOUT_THE_PROGRAM = [
    "server",
    "lab",
    "needs",
    "colour",
    "marker",
    "threads",
]  # the columns before the behaviours


def known_servers():
    """The rows of servers.csv, the one list of our servers: column → cell."""
    with open(ROOT / "common" / "harness" / "servers.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected_of(row):
    """Of such a row the behaviours: name → yes, no or n/a."""
    return {column: cell for column, cell in row.items() if column not in ABOUT_THE_PROGRAM}


def can_run(name, needs):
    """False if this machine lacks what a server or chat room needs: its library, and then it isn't built, or a kernel that
    allows it. `needs` is the column of that name in its row."""
    program = BIN / name
    if not needs:
        return True
    return program.exists() and (
        subprocess.call([program, "--help"], stdout=subprocess.DEVNULL) != CANNOT_RUN_HERE
    )


SERVERS = [row["server"] for row in known_servers() if can_run(row["server"], row["needs"])]
MARK = "MULTIPLEXING_LAB_TEST"

# A shell without job control starts what it puts into the background with SIGINT ignored, and programs inherit that
# through every exec: the tests in `make test &` would send a SIGINT that ends nothing. A handler isn't inherited.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def python_server(name, *words):
    """The command of one of the servers in Python beside the judge."""
    return [sys.executable, str(ROOT / "common" / "harness" / "judging" / name), *words]


def lacks_descriptors(count):
    """True where no process may have so many descriptors, whatever it asks for (the hard limit)."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 0 <= hard < count


def needs_descriptors(count):
    """Skips the calling test where it can't have so many."""
    if lacks_descriptors(count):
        raise unittest.SkipTest(f"needs 'ulimit -Hn' of at least {count}")


def raise_descriptors():
    """For preexec_fn: the program may have as many as the hard limit allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def lacked_descriptors(finding):
    """True for a judge's answer that there is none, since it may not have the descriptors."""
    said = "the judge needs 'ulimit -n'" in finding["evidence"]
    return finding["answer"] == "n/a" and said and lacks_descriptors(1200)


def wait_until(condition, seconds=10.0):
    """Asks until `condition()` is true and returns its value; after `seconds`, its last, false one."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return value


class Family:
    """Marks the environment of a program, which all that it starts inherit: what of it still runs can be found."""

    def __init__(self):
        self.mark = secrets.token_hex(8)
        self.environment = {**os.environ, MARK: self.mark}
        self.environment.pop("NO_COLOR", None)

    def processes(self):
        """Numbers of the processes with the mark. Zombies have no environment any more, and don't count."""
        wanted = f"{MARK}={self.mark}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def programs(self):
        """Their names: of a child, what it executes, once it does."""
        names = []
        for number in self.processes():
            with contextlib.suppress(OSError):
                names.append(Path(f"/proc/{number}/comm").read_text(encoding="utf-8").strip())
        return names

    def left(self):
        """The processes that have not gone within a few seconds (the kernel ends orphans soon, not at once). Ends
        them: one test's finding is not to disturb the next."""
        wait_until(lambda: not self.processes(), 5)
        return self.kill()

    def kill(self):
        found = self.processes()
        for number in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return found


class Ended:
    """How a program ended: `code`, the lines on stdout and stderr, and the processes that it left behind."""

    def __init__(self, code, out, err, left):
        self.code, self.text, self.left = code, out, left
        self.out, self.err = (out or "").splitlines(), (err or "").splitlines()


class Process(subprocess.Popen):
    """A program that a test has started: its signals are noted in the conversation."""

    def __init__(self, words, **options):
        self.name = Path(words[0]).name
        super().__init__(words, **options)
        CONVERSATION.note(self.name, f"started as `{' '.join(map(str, words))}`")

    def send_signal(self, sig):
        if self.poll() is None:
            CONVERSATION.note(self.name, f"was sent {signal.Signals(sig).name}")
        super().send_signal(sig)

    def communicate(self, *arguments, **options):
        out, err = super().communicate(*arguments, **options)
        CONVERSATION.note_words(
            self.name, err if isinstance(err, str) else (err or b"").decode(errors="replace")
        )
        return out, err


def start(words, family, **options):
    """Starts a program with pipes; the caller ends it."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    defaults = {**pipes, "cwd": ROOT, "env": family.environment, "text": True, "errors": "replace"}
    return Process([str(word) for word in words], **{**defaults, **options})


def finish(process, family, seconds=120):
    """Waits for its end. Kills it, and reports code None, if that doesn't come in time."""
    try:
        out, err = process.communicate(timeout=seconds)
        CONVERSATION.note(process.name, f"ended with {process.returncode}")
        return Ended(process.returncode, out, err, family.left())
    except subprocess.TimeoutExpired:
        CONVERSATION.note(process.name, f"had not ended after {seconds} s")
        process.kill()
        out, err = process.communicate()
        return Ended(None, out, err, family.left())


def run(*words, seconds=120, **options):
    """Runs a program to its end."""
    family = Family()
    return finish(start(words, family, **options), family, seconds)


def harness(*words, **options):
    """Runs the harness to its end."""
    return run(BIN / "harness", *words, **options)


def read_line(stream, seconds=10):
    """The next line of an unbuffered or untouched pipe; '' if none comes in time."""
    ready, _, _ = select.select([stream], [], [], seconds)
    return stream.readline() if ready else ""


class Server:
    """A server that runs as long as the `with` block, and what it says."""

    def __init__(self, *words, prefix=(), **options):
        self.family = Family()
        self.process = start([*prefix, *words], self.family, **options)
        self.announced = read_line(self.process.stdout)
        found = re.fullmatch(r"listening on (\S+):(\d+)\n", self.announced)
        self.host, self.port = (found[1].strip("[]"), int(found[2])) if found else (None, None)
        CONVERSATION.note(self.process.name, f"announced {self.announced!r}")

    def __enter__(self):
        if self.port is None:
            self.__exit__()
            raise AssertionError(f"announced {self.announced!r}")
        return self

    def __exit__(self, _=None, error=None, *__):
        CONVERSATION.note_error(error)
        self.process.kill()
        self.family.kill()
        self.process.communicate()

    def end(self, signal_number):
        """Sends the signal. Returns how it ended."""
        self.process.send_signal(signal_number)
        return finish(self.process, self.family, 10)


def lab_server(name, *options, **others):
    """One of the labs, on a free port unless told otherwise."""
    return Server(BIN / name, *(options or ("--port", "0")), **others)


def is_refused(connect):
    """True if `connect()` is refused; closes what it returns otherwise."""
    try:
        connect().close()
        return False
    except ConnectionRefusedError:
        return True


def rows_of(folder):
    """The rows of an experiment's runs.csv; [] if there is no such file."""
    try:
        with open(Path(folder) / "runs.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def stop_sweep(signal_number, results, experiment, *servers, rows=2):
    """Starts a sweep and ends it by a signal while a server runs, once `rows` of its runs are on disk. Returns how
    it ended."""
    family = Family()
    process = start([BIN / "harness", "sweep", experiment, *servers, "--results", results], family)
    wait_until(lambda: len(rows_of(Path(results) / experiment)) >= rows or process.poll() is not None, 60)
    wait_until(lambda: len(family.processes()) > 1 or process.poll() is not None)
    process.send_signal(signal_number)
    return finish(process, family, 30)
