"""What a run of pytest skipped, and nothing else, is run by the next one."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import ROOT

TESTS = """
import os, unittest
import pytest

class Some(unittest.TestCase):
    def test_always(self):
        pass

    @unittest.skipUnless("HAS_IT" in os.environ, "it isn't there")
    def test_of_it(self):
        pass

@pytest.mark.xdist_group("machine")
def test_in_a_group():
    if "HAS_IT" not in os.environ:
        pytest.skip("it isn't there")
"""


class LeftOut(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        (self.folder / "02-room").mkdir()
        (self.folder / "02-room" / "test_some.py").write_text(TESTS)

    def pytest(self, *words, **environment):
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-v",
                "-p",
                "no:cacheprovider",
                "--import-mode=importlib",
                *words,
            ],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
        )
        self.complained = ended.stderr.strip()
        passed = [line.split("::")[-1].split()[0] for line in ended.stdout.splitlines() if "PASSED" in line]
        return ended.returncode, sorted(passed)

    def test_what_was_skipped_is_run_and_nothing_else(self):
        first = ("--junitxml=first.xml", "-n", "2", "--dist", "loadgroup")
        self.assertEqual(self.pytest(*first)[0], 0)
        code, passed = self.pytest("-p", "common.testing.left_out", "--skipped-in", "first.xml", HAS_IT="1")
        self.assertEqual((code, passed), (0, ["test_in_a_group", "test_of_it"]))

    def test_a_run_that_skipped_nothing_leaves_nothing(self):
        self.pytest("--junitxml=first.xml", HAS_IT="1")
        code, passed = self.pytest("-p", "common.testing.left_out", "--skipped-in", "first.xml", HAS_IT="1")
        self.assertEqual((code, passed), (5, []))  # pytest's code for no test

    def test_a_file_that_is_not_whole_is_one_line(self):
        (self.folder / "first.xml").write_text("<testsuites><testsuite>")
        code, passed = self.pytest("-p", "common.testing.left_out", "--skipped-in", "first.xml")
        self.assertEqual((code, passed), (4, []))  # pytest's code for bad use
        self.assertRegex(self.complained, r"^ERROR: first.xml: the test program did not end properly \(.*\)$")


if __name__ == "__main__":
    unittest.main()
