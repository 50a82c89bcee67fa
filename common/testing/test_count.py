"""The last line of `make test` counts what the test programs of both languages have written."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from common.testing.count import main

CPP = """<testsuites><testsuite name="common-tests" tests="99" doctest_version="2.4.9">
<testcase classname="a_test.cpp" name="good"/>
<testcase classname="a_test.cpp" name="bad"><failure message="1 == 2" type="CHECK">a_test.cpp(7): CHECK( 1 == 2 )</failure>
<failure message="3 == 4" type="CHECK">a_test.cpp(8): CHECK( 3 == 4 )</failure></testcase>
<testcase classname="a_test.cpp" name="thrown"><error message="exception">it threw</error></testcase>
</testsuite></testsuites>"""
PYTHON = """<testsuites><testsuite name="pytest" tests="3">
<testcase classname="test_b" name="good"/><testcase classname="test_b" name="better"/>
<testcase classname="test_b" name="left_out"><skipped message="socat is not installed"/></testcase>
<testcase classname="test_b" name="bad"><failure message="no">shown by pytest</failure></testcase>
</testsuite></testsuites>"""
EMPTY = "<testsuites><testsuite/></testsuites>"


class Count(unittest.TestCase):
    def count(self, *texts: str) -> tuple[int, list[str]]:
        """The exit code and the lines for files with these texts."""
        said = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(said):
            paths = [Path(folder) / f"{number}.xml" for number in range(len(texts))]
            for path, text in zip(paths, texts):
                path.write_text(text, encoding="utf-8")
            with contextlib.redirect_stderr(said):
                code = main([str(path) for path in paths])
        return code, said.getvalue().splitlines()

    def test_both_languages_are_added_up_and_failures_of_cpp_are_shown(self) -> None:
        code, lines = self.count(CPP, PYTHON)
        self.assertEqual((code, lines[-1]), (1, "3 passed, 3 failed, 1 skipped"))
        self.assertEqual(
            lines[:5],
            [
                "FAILED a_test.cpp: bad",
                "a_test.cpp(7): CHECK( 1 == 2 )",
                "a_test.cpp(8): CHECK( 3 == 4 )",
                "FAILED a_test.cpp: thrown",
                "it threw",
            ],
        )
        self.assertNotIn("shown by pytest", "\n".join(lines))

    def test_a_program_that_did_not_come_to_an_end_is_a_failure(self) -> None:
        for broken in ("", CPP[:200]):
            code, lines = self.count(broken, EMPTY)
            self.assertEqual((code, lines[-1]), (1, "0 passed, 1 failed, 0 skipped"))
            self.assertIn("did not end properly", lines[0])

    def test_no_test_at_all_is_no_success(self) -> None:
        code, lines = self.count(EMPTY, EMPTY)
        self.assertEqual((code, lines[-1]), (2, "0 passed, 0 failed, 0 skipped"))
        self.assertIn("no test has that word", lines[-2])


if __name__ == "__main__":
    unittest.main()
