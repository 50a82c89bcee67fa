"""A failing test of C++ prints the conversation that led to it, whatever makes it fail; a passing one prints nothing."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import BIN, ROOT

TESTS = BIN.parent / "test" / "common-tests"
CONVERSATION = [
    r"python3: is started as `python3 -c .*",
    r"python3: is ready on 127\.0\.0\.1:\d+",
    r"connection 1: connected to 127\.0\.0\.1:\d+",
    r"connection 1: sent 6 bytes: Hello!",
    r"connection 1: received 6 bytes: Hello!",
    r"python3: is halted",
    r"connection 1: sent 4 bytes: rld! \(3 times, 6 bytes in all\)",
    r"python3: was sent SIGCONT",
    r"connection 1: received 3 bytes: wor",
    r"connection 1: received the end",
]


@unittest.skipUnless(TESTS.exists(), f"{TESTS} is not built")
class Report(unittest.TestCase):
    def run_one(self, name: str, *words: str) -> str:
        """What the test program prints about its test case `conversation: NAME`, which `make test` skips."""
        command = [str(TESTS), "--no-skip", f"--test-case=conversation: {name}", *words]
        return subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60
        ).stdout

    def steps(self, told: str) -> list[str]:
        return [
            line.partition(" s  ")[2] for line in told.splitlines() if re.match(r" *\d+\.\d{3} s  ", line)
        ]

    def test_it_has_each_step_what_was_expected_and_the_last_words(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for words in ((), ("--reporters=junit", f"--out={Path(folder) / 'report.xml'}")):
                told = self.run_one("a wrong answer", *words)
                _, _, told = told.partition("the conversation that led to it: conversation: a wrong answer")
                steps = self.steps(told)
                self.assertEqual(len(steps), len(CONVERSATION), told)
                for step, pattern in zip(steps, CONVERSATION):
                    self.assertRegex(step, f"^{pattern}$")
                self.assertRegex(
                    told,
                    r"then: CHECK\(client\.receive\(6\) == last\) failed: wor == world! \(.*_test\.cpp:\d+\)\n",
                )
                self.assertIn("python3 said on stderr, at last:\n    send took 3 of 6 bytes\n", told)

    def test_an_exception_is_the_end_of_it(self) -> None:
        told = self.run_one("an exception")
        self.assertEqual(len(self.steps(told)), 2, told)
        self.assertIn(
            "then: exception: connect 127.0.0.1:9: Connection refused\nnothing was said on stderr\n", told
        )

    def test_of_many_steps_the_last_are_told(self) -> None:
        told = self.run_one("many steps")
        self.assertIn("earlier steps are left out: 60\n", told)
        self.assertEqual(self.steps(told), [f"counter: {number}" for number in range(61, 101)])
        self.assertRegex(told, r"then: enough \(.*_test\.cpp:\d+\)")

    def test_a_test_that_passes_prints_none(self) -> None:
        told = self.run_one("one that is as expected is not told of")
        self.assertIn("1 passed", told)
        self.assertNotIn("the conversation", told)


if __name__ == "__main__":
    unittest.main()
