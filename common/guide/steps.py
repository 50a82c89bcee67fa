"""What a handout is made of: steps of prose, predictions and a command block."""

import re
from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class Prose:
    """Markdown to be rendered."""

    line: int
    text: str


@dataclass(frozen=True)
class Prediction:
    """A question about the block that follows, and the pattern that finds the answer in the block's output."""

    line: int
    id: str
    question: str
    pattern: re.Pattern
    unit: Optional[str] = None
    choices: tuple = ()


@dataclass(frozen=True)
class Block:
    """A command block that runs, with everything that its info string and the `output` block below say about it."""

    line: int
    command: str
    title: Optional[str] = None
    server: Optional[str] = None
    expect_exit: Optional[int] = 0  # None: any exit status will do
    timeout: Optional[float] = None
    side_by_side: bool = False
    needs: tuple = ()
    may_end: bool = False
    wide: bool = False  # what others' programs print may be wider than a terminal
    expected: Optional[tuple] = None
    expected_line: int = 0
    predictions: tuple = ()


@dataclass
class Step:
    """What is shown before the reader presses a key; at most one block, at its end."""

    number: int
    line: int
    section: str
    parts: list = field(default_factory=list)
    block: Optional[Block] = None
    hints: list = field(default_factory=list)


@dataclass
class Handout:
    """One lab's README.md."""

    path: str
    title: str
    minutes: int
    steps: list

    @property
    def blocks(self):
        """The blocks that run, in order."""
        return [step.block for step in self.steps if step.block]


def port_variable(server):
    """The environment variable that holds a server's port: select → SELECT_PORT."""
    return server.upper().replace("-", "_") + "_PORT"
