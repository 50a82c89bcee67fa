"""Finds the labs: labs/NN-name/ with a README.md."""

import re
from dataclasses import dataclass
from pathlib import Path


class BadRequest(Exception):
    """What the user asked for doesn't exist; says what does."""


@dataclass(frozen=True)
class Lab:
    """A lab's room; `name` is its directory, as in 07-select."""

    name: str
    path: Path

    @property
    def number(self):
        """What the name starts with: two digits, and perhaps a letter."""
        return self.name.partition("-")[0]

    @property
    def shown_path(self):
        """The handout's path from the repository's root, for messages."""
        return f"labs/{self.name}/README.md"


def all_labs(root):
    """Every lab that has a handout, in order."""
    found = sorted((Path(root) / "labs").glob("[0-9][0-9]*-*/README.md"))
    return [Lab(path.parent.name, path) for path in found]


def some_labs(root):
    """Every lab; raises BadRequest where there is none."""
    labs = all_labs(root)
    if not labs:
        raise BadRequest(
            f"no handouts under {Path(root) / 'labs'}: run this from the repository's root, or give --root DIR"
        )
    return labs


def lab_named(root, wanted):
    """The lab called 7, 07 or 07-select (2b: 02b); raises BadRequest naming the ones there are."""
    labs = some_labs(root)
    for lab in labs:
        if wanted == lab.name or wanted.zfill(len(lab.number)) == lab.number:
            return lab
    raise BadRequest(f"no handout for lab `{wanted}`; there are: {', '.join(lab.number for lab in labs)}")
