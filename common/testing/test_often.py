"""`make test-often`: what it tells of a test that fails now and then."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from common.testing import often

# Fails in its second and third run.
SUITE = """
runs=$(cat runs 2>/dev/null || echo 0); runs=$((runs + 1)); echo $runs >runs
if [ $runs = 1 ] || [ $runs = 4 ]; then failure=; words='2 passed, 0 failed, 0 skipped'
else failure='<failure message="4 == 5&#10;more">long</failure>'; words='1 passed, 1 failed, 0 skipped'; fi
echo "<testsuites><testsuite><testcase classname='a.b' name='well'/>
<testcase classname='a.b' name='now_and_then'>$failure</testcase></testsuite></testsuites>" >python.xml
echo "$words"
"""


class OftenTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def runs(self, times):
        """What is told after so many runs, and whether it was good."""
        some = often.Often(["sh", "-c", f"cd '{self.folder}'; {SUITE}"], self.folder)
        for _ in range(times):
            some.run()
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            some.tell()
        return said.getvalue().splitlines(), some.is_good()

    def test_a_test_that_fails_now_and_then_is_counted_with_what_it_said(self):
        told, good = self.runs(4)
        self.assertFalse(good)
        self.assertEqual(told[0], "failed 2 of 4  a.b: now_and_then")
        self.assertEqual(told[1].strip(), f"4 == 5 ({self.folder}/often-2.log)")
        self.assertEqual(
            sorted(told[2:]),
            ["2 of 4 runs: 1 passed, 1 failed, 0 skipped", "2 of 4 runs: 2 passed, 0 failed, 0 skipped"],
        )

    def test_the_same_every_time(self):
        self.assertEqual(self.runs(1), (["1 of 1 runs: 2 passed, 0 failed, 0 skipped"], True))

    def test_a_suite_that_breaks_off_is_a_failure(self):
        (self.folder / "python.xml").write_text("<testsuites>")
        self.assertIn("did not end properly", often.failures([str(self.folder / "python.xml")]).popitem()[1])

    def test_a_bad_number(self):
        for wrong in ("0", "-1", "many", "1001"):
            complained = io.StringIO()
            with contextlib.redirect_stderr(complained), mock.patch.object(often.Often, "run") as run:
                code = often.main(["build", "--", wrong])
            self.assertEqual((code, run.called), (2, False))
            self.assertEqual(complained.getvalue(), f"TIMES takes a number from 1 to 1000, not '{wrong}'\n")
