"""Judges servers that others wrote, one after the other, and tells what they answer.

Run:  python3 -m common.harness.judging.others                                  all that are installed
      python3 -m common.harness.judging.others socat go                         some of them
      python3 -m common.harness.judging.others --write docs/other-servers.md    the page that shows them

Exit 0: each was judged or is missing here, and the table gives a reason for each no. 1: a no without a reason, or one
that could not be judged. 2: bad use.
"""

import argparse
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from common.harness.judging.others.page import page
from common.harness.judging.others.table import FOLDER, OTHER_SERVERS, OtherServer

ROOT = FOLDER.parents[3]
BIN = (ROOT / os.environ.get("BIN", "build/bin")).resolve()
BUILT = ROOT / "build" / "others"


class NotJudged(Exception):
    """Why there are no answers: in one line."""


@dataclass(frozen=True)
class Judged:
    """A server, its version, and what the judge found: dictionaries with behaviour, answer and evidence."""

    server: OtherServer
    version: str
    findings: list

    def without_reason(self):
        """The behaviours that it answers no and the table doesn't explain."""
        noes = [finding["behaviour"] for finding in self.findings if finding["answer"] == "no"]
        return [behaviour for behaviour in noes if behaviour not in self.server.reasons]

    def count(self, answer):
        """How many of the behaviours got this answer."""
        return sum(finding["answer"] == answer for finding in self.findings)


def missing_program(server):
    """The first program that it needs and that isn't installed; None if all are."""
    programs = (server.command[0], server.version[0], *server.build[:1])
    return next((name for name in programs if "{" not in name and not shutil.which(name)), None)


def filled_in(words):
    """A command with the places of our files; {port} is the judge's to fill in."""
    return [word.replace("{here}", str(FOLDER)).replace("{built}", str(BUILT)) for word in words]


def version_of(server):
    """The first line of what it says of its version that holds a digit."""
    said = subprocess.run(
        filled_in(server.version), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    lines = (said.stdout + said.stderr).splitlines()
    return next((line.strip() for line in lines if any(map(str.isdigit, line))), "unknown").replace("\t", " ")


def judge(server, seconds, only):
    """Has `harness check` judge it for at most so many seconds. Throws NotJudged."""
    if server.build:
        BUILT.mkdir(parents=True, exist_ok=True)
        built = subprocess.run(filled_in(server.build), capture_output=True, text=True, check=False)
        if built.returncode != 0:
            raise NotJudged(f"can't be built: {built.stderr.strip().splitlines()[-1]}")
    asked = ("--only", only) if only else ()
    words = [BIN / "harness", "check", "--json", *asked, "--", *filled_in(server.command)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it ends what it has started
            process.communicate()
            raise NotJudged(f"not judged within {seconds} s") from None
    try:
        plain = out.replace(f"{FOLDER}/", "").replace(
            f"{BUILT}/", ""
        )  # this machine's paths say nothing elsewhere
        return Judged(server, version_of(server), json.loads(plain)["servers"][0]["findings"])
    except ValueError:
        said = err.strip().splitlines()[-1:] or ["the judge said nothing"]
        raise NotJudged(f"{said[0]} (the judge ended with {process.returncode})") from None


def judge_twice_if_needed(server, seconds, only):
    """As judge. A start can fail for a reason outside of the server: somebody took its port, or the cores are busy."""
    try:
        return judge(server, seconds, only)
    except NotJudged as reason:
        if not re.search("Address already in use|did not listen", str(reason)):
            raise
        return judge(server, seconds, only)


def choose(names):
    """The servers of these names; all without any. Exits for an unknown one."""
    known = {server.name: server for server in OTHER_SERVERS}
    for name in names:
        if name not in known:
            print(f"others: unknown server '{name}': there are {', '.join(known)}", file=sys.stderr)
            sys.exit(2)
    return [known[name] for name in names] or list(OTHER_SERVERS)


def main(arguments):
    """Judges, prints a line a server and a line a no, and writes the page."""
    parser = argparse.ArgumentParser(prog="others", description="Judges servers that others wrote.")
    parser.add_argument("servers", nargs="*", help="their names (none: all)")
    parser.add_argument("--only", help="these behaviours alone: NAME,NAME,...")
    parser.add_argument("--seconds", type=int, default=60, help="at most so long for each (%(default)s)")
    parser.add_argument("--write", type=Path, help="write the page of what they answer to this file")
    options = parser.parse_args(arguments)
    judged = []
    failed = False
    for server in choose(options.servers):
        missing = missing_program(server)
        if missing:
            print(f"{server.name}: skipped, {missing} is not installed (Debian's package {server.package})")
            continue
        try:
            one = judge_twice_if_needed(server, options.seconds, options.only)
        except NotJudged as reason:
            print(f"{server.name}: {reason}")
            failed = True
            continue
        judged.append(one)
        print(f"{server.name}: {one.count('yes')} yes, {one.count('no')} no, {one.count('n/a')} n/a")
        for finding in one.findings:
            if finding["answer"] == "no":
                mark = (
                    " (without a reason in the table)" if finding["behaviour"] in one.without_reason() else ""
                )
                print(f"  no  {finding['behaviour']}{mark}: {finding['evidence']}")
        sys.stdout.flush()
    if options.write and judged:
        options.write.write_text(page(judged), encoding="utf-8")
        print(f"written: {options.write}")
    return 1 if failed or any(one.without_reason() for one in judged) else 0


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # evidence may hold what the locale lacks
    sys.exit(main(sys.argv[1:]))
