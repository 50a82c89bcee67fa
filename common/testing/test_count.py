"""The suite's last line, from what the test programs of both languages have written."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from common.testing.count import main

ENDINGS = {"passed": "", "failed": '<failure message="no"/>', "skipped": '<skipped message="not installed"/>'}


class Count(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def file(self, name, doctest="", **tests):
        cases = "".join(
            f'<testcase classname="file" name="{test}">{ENDINGS[ending]}</testcase>'
            for test, ending in tests.items()
        )
        path = self.folder / name
        path.write_text(f"<testsuites><testsuite {doctest}>{cases}</testsuite></testsuites>")
        return str(path)

    def count(self, *paths):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main(list(paths))
        return code, said.getvalue().splitlines()

    def test_both_languages_together(self):
        cpp = self.file("cpp.xml", 'doctest_version="2.4.9"', first="passed", second="skipped")
        code, said = self.count(cpp, self.file("python.xml", one="passed"))
        self.assertEqual((code, said[-1]), (0, "2 passed, 0 failed, 1 skipped"))

    def test_what_failed_in_cpp_is_shown(self):
        code, said = self.count(
            self.file("cpp.xml", 'doctest_version="2.4.9"', first="failed", second="passed")
        )
        self.assertEqual((code, said[-1]), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("FAILED file: first", said)

    def test_a_test_that_was_skipped_at_first_is_counted_once(self):
        first = self.file("first.xml", a="passed", b="skipped", c="skipped", d="skipped")
        later = self.file("later.xml", b="passed", c="failed", d="skipped")
        for order in ((first, later), (later, first)):
            code, said = self.count(*order)
            self.assertEqual((code, said[-1]), (1, "2 passed, 1 failed, 1 skipped"))

    def test_a_program_that_did_not_end_is_a_failure(self):
        (self.folder / "half.xml").write_text("<testsuites><testsuite>")
        code, said = self.count(str(self.folder / "half.xml"), self.file("whole.xml", a="passed"))
        self.assertEqual((code, said[-1]), (1, "1 passed, 1 failed, 0 skipped"))

    def test_no_test_at_all(self):
        code, said = self.count(self.file("none.xml"))
        self.assertEqual((code, said[-1]), (2, "0 passed, 0 failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main()
