"""How a block, or the whole run, comes out."""

import signal
from dataclasses import dataclass


class BlockFailure(Exception):
    """Why a block isn't what the handout says, and the line of the handout."""

    def __init__(self, line, reason):
        super().__init__(reason)
        self.line = line


class Leave(Exception):
    """SIGTERM or SIGHUP asks us to end."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass
class Result:
    """What a block did; `lines` are its own, without the servers'."""

    lines: list
    status: int
    seconds: float
    interrupted: bool = False
    timed_out: bool = False
