"""Usage: python3 -m common.testing.count FILE.xml…

Counts the tests in JUnit's XML, the format that the test programs of both languages write. Shows what failed in C++
(pytest has shown its own failures itself), says where the files are, and ends with the line `N passed, N failed, N skipped`.
A test that stands in several files is counted once: as failed if it ever did, as skipped if it always was.
Exit 0: all passed or were skipped. Exit 1: one failed, or a file doesn't tell. Exit 2: there was no test.
"""

import sys
from dataclasses import dataclass, field

from common.testing.junit import FAILED, PASSED, SKIPPED, Unfinished, results_in


@dataclass
class Count:
    """How each test ended, and what those of C++ that failed have said."""

    endings: dict[tuple[str, str], int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        """Adds the tests of one file. A file that isn't whole counts as a failure."""
        try:
            for result in results_in(path):
                test = result.place, result.name
                self.endings[test] = max(result.ending, self.endings.get(test, SKIPPED))
                if result.failures and result.is_of_cpp:
                    self.said.append(f"FAILED {result.place}: {result.name}")
                    self.said += [(failure.text or failure.message).rstrip() for failure in result.failures]
        except Unfinished as error:
            self.endings[path, ""] = FAILED
            self.said.append(f"{path}: {error}")

    def of(self, ending: int) -> int:
        """How many tests ended so."""
        return sum(each == ending for each in self.endings.values())


def main(paths: list[str]) -> int:
    """Counts the tests of all files together. Returns the exit code."""
    count = Count()
    for path in paths:
        count.add(path)
    for line in count.said:
        print(line)
    print(f"each test's result: {' '.join(paths)}")
    if not count.endings:
        print("no test has that word in its name or its file's", file=sys.stderr)
    print(f"{count.of(PASSED)} passed, {count.of(FAILED)} failed, {count.of(SKIPPED)} skipped")
    if count.of(FAILED):
        return 1
    return 0 if count.endings else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
