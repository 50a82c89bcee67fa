"""Usage: python3 -m common.testing.count FILE.xml…

Counts the tests in JUnit's XML, the format that the test programs of both languages write. Shows what failed in C++
(pytest has shown its own failures itself), says where the files are, and ends with the line `N passed, N failed, N skipped`.
Exit 0: all passed or were skipped. Exit 1: one failed, or a file doesn't tell. Exit 2: there was no test.
"""

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field


@dataclass
class Count:
    """How many tests ended in which way, and what those of C++ that failed have said."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    said: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        """Adds the tests of one file. A file that isn't whole is a failure: its test program did not come to an end."""
        try:
            suites = ElementTree.parse(path).getroot()
        except (OSError, ElementTree.ParseError) as error:
            self.failed += 1
            self.said.append(f"{path}: the test program did not end properly ({error})")
            return
        # Only doctest writes its version: https://github.com/doctest/doctest, JUnitReporter.
        from_cpp = suites.find("testsuite[@doctest_version]") is not None
        for test in suites.iter("testcase"):
            failures = [*test.iter("failure"), *test.iter("error")]
            if failures:
                self.failed += 1
            elif test.find("skipped") is not None:
                self.skipped += 1
            else:
                self.passed += 1
            if failures and from_cpp:
                self.said.append(f"FAILED {test.get('classname')}: {test.get('name')}")
                self.said += [(failure.text or failure.get("message", "")).rstrip() for failure in failures]


def main(paths: list[str]) -> int:
    """Counts the tests of all files together. Returns the exit code."""
    count = Count()
    for path in paths:
        count.add(path)
    for line in count.said:
        print(line)
    print(f"each test's result: {' '.join(paths)}")
    if not count.passed + count.failed + count.skipped:
        print("no test has that word in its name or its file's", file=sys.stderr)
    print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    if count.failed:
        return 1
    return 0 if count.passed + count.skipped else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
