"""Reads JUnit's XML, the format in which the test programs of both languages write what happened."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Iterator

# The more telling wins where one test was run several times, on several machines.
SKIPPED, PASSED, FAILED = range(3)


@dataclass(frozen=True)
class Failure:
    """What a test says of its failure: pytest in both, doctest mostly in the text. Either may be empty."""

    message: str
    text: str


@dataclass(frozen=True)
class Result:
    """How one test ended. `place` is its class, or its file where it is of C++."""

    place: str
    name: str
    ending: int
    failures: list[Failure]
    is_of_cpp: bool


class Unfinished(Exception):
    """The file isn't whole: its test program did not come to an end."""


def results_in(path: str) -> Iterator[Result]:
    """Each test of one file. Throws Unfinished."""
    try:
        suites = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise Unfinished(f"the test program did not end properly ({error})") from None
    # Only doctest writes its version: https://github.com/doctest/doctest, JUnitReporter.
    is_of_cpp = suites.find("testsuite[@doctest_version]") is not None
    for test in suites.iter("testcase"):
        failures = [
            Failure(failure.get("message", ""), failure.text or "")
            for kind in ("failure", "error")
            for failure in test.iter(kind)
        ]
        ending = FAILED if failures else SKIPPED if test.find("skipped") is not None else PASSED
        yield Result(test.get("classname", ""), test.get("name", ""), ending, failures, is_of_cpp)
