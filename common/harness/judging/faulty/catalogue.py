"""Every faulty server and chat room: how it is started, and what the judge has to answer of it (faults.csv)."""

import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
BIN = (ROOT / os.environ.get("BIN", "build/bin")).resolve()
BUILT = BIN.parent / "test"
PROGRAMS = {
    "faulty-server": [sys.executable, "-m", "common.harness.judging.faulty_server"],
    "faulty-asyncio": [sys.executable, "-m", "common.harness.judging.faulty.faulty_asyncio"],
    "faulty-epoll": [str(BUILT / "faulty-epoll")],
    "faulty-threads": [str(BUILT / "faulty-threads")],
    "faulty-fork": [str(BUILT / "faulty-fork")],
}
ROOMS = {"faulty-room": [sys.executable, "-m", "common.harness.judging.faulty_room"]}


@dataclass(frozen=True)
class FaultyServer:
    """A row of faults.csv: the behaviours that get a no, and those that can't be asked ("*" stands for all
    others); the rest gets a yes."""

    program: str
    fault: str
    no: frozenset
    not_applicable: frozenset

    @property
    def name(self):
        return f"{self.program}/{self.fault}"

    @property
    def is_right(self):
        """True of the servers without a fault, the positive controls."""
        return self.fault.split("-")[0] == "none"

    def command(self):
        """What `harness check` or `check-chat` takes. The programs in Python are started from the top folder."""
        return ["--", *{**PROGRAMS, **ROOMS}[self.program], "--port", "{port}", "--fault", self.fault]

    def expects(self, behaviour, answer):
        """True if this answer is right."""
        for behaviours, right in ((self.no, "no"), (self.not_applicable, "n/a")):
            if behaviour in behaviours:
                return answer == right
        return answer == ("n/a" if "*" in self.not_applicable else "yes")


def faulty_servers():
    """The rows of faults.csv, in its order."""
    return read_faults(HERE / "faults.csv")


def faulty_rooms():
    """The same of chat rooms."""
    return read_faults(HERE.parent / "faulty_chat" / "faults.csv")


def read_faults(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [
            FaultyServer(
                row["program"],
                row["fault"],
                *(frozenset(row[kind].split()) for kind in ("no", "n/a")),
            )
            for row in csv.DictReader(file)
        ]


def known_servers():
    """The rows of servers.csv by the server's name."""
    with open(ROOT / "common" / "harness" / "servers.csv", newline="", encoding="utf-8") as file:
        return {row["server"]: row for row in csv.DictReader(file)}


def known_rooms():
    """The rows of chat_rooms.csv by the room's name."""
    with open(ROOT / "common" / "harness" / "chat_rooms.csv", newline="", encoding="utf-8") as file:
        return {row["room"]: row for row in csv.DictReader(file)}
