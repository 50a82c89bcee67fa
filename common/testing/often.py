"""Usage: python3 -m common.testing.often BUILD TIMES [--busy] [--only WORD]

Runs the suite again and again, and tells of each test that ever failed how often, and with what. Called by
`make test-often TIMES=20 [BUSY=1] [ONLY=word]`.
Exit 0: the same result every time, and no failure. Exit 1: not. Exit 2: a bad TIMES. 130: interrupted; what was seen
until then is told.
"""

import argparse
import glob
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from common.testing.junit import Unfinished, results_in

# As long as its parent lives: it must not outlive a run that is killed.
BUSY_LOOP = ["sh", "-c", "while kill -0 $PPID 2>/dev/null; do :; done"]


def failures(paths: list[str]) -> dict[str, str]:
    """Test → the first line of its failure, in these files of JUnit's XML."""
    found = {}
    for path in paths:
        try:
            for result in results_in(path):
                for failure in result.failures:
                    said = (failure.message or failure.text).strip().splitlines()
                    found[f"{result.place}: {result.name}"] = said[0] if said else "no word"
        except Unfinished as error:
            found[path] = str(error)
    return found


class Often:
    """What many runs of the suite have told."""

    def __init__(self, suite: list[str], results: Path):
        self.suite, self.results = suite, results
        self.runs = 0
        self.endings: Counter[str] = Counter()  # the suite's last line
        self.failed: Counter[str] = Counter()
        self.said: dict[str, str] = {}

    def run(self) -> str:
        """The suite once; what it says goes to a file of its own. Returns its last line."""
        log = self.results / f"often-{self.runs + 1}.log"
        with log.open("w", encoding="utf-8") as output:
            subprocess.call(self.suite, stdout=output, stderr=subprocess.STDOUT)
        self.runs += 1
        ending = (log.read_text(errors="replace").splitlines() or ["it said nothing"])[-1]
        self.endings[ending] += 1
        for test, said in failures(sorted(glob.glob(f"{self.results}/*.xml"))).items():
            self.failed[test] += 1
            self.said.setdefault(test, f"{said} ({log})")
        return ending

    def tell(self) -> None:
        """Each test that ever failed, then how often the suite ended in which way."""
        for test, count in self.failed.most_common():
            print(f"failed {count} of {self.runs}  {test}\n    {self.said[test]}")
        for ending, count in self.endings.most_common():
            print(f"{count} of {self.runs} runs: {ending}", flush=True)

    def is_good(self) -> bool:
        """True if no test failed, and every run ended alike."""
        return not self.failed and len(self.endings) == 1


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="test-often", description="Run the suite again and again.")
    parser.add_argument("build", type=Path)
    parser.add_argument("times")
    parser.add_argument("--busy", action="store_true", help="beside two loops that keep two cores busy")
    parser.add_argument("--only", default="", help="the tests with this word in their name or file")
    options = parser.parse_args(arguments)
    if not options.times.isdigit() or not 1 <= int(options.times) <= 1000:
        print(f"TIMES takes a number from 1 to 1000, not '{options.times}'", file=sys.stderr)
        return 2
    often = Often(
        ["common/setup/run-tests.sh", str(options.build), options.only], options.build.resolve() / "test"
    )
    with ExitStack() as beside:
        for _ in range(2 if options.busy else 0):
            beside.callback(beside.enter_context(subprocess.Popen(BUSY_LOOP)).kill)
        try:
            for number in range(1, int(options.times) + 1):
                begin = time.monotonic()
                ending = often.run()
                print(
                    f"run {number} of {options.times}: {ending}, {time.monotonic() - begin:.0f} s", flush=True
                )
        except KeyboardInterrupt:
            often.tell()
            return 130
        often.tell()
    return 0 if often.is_good() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
