"""docs/results.md, the schema of results: the columns that it names are those that are written and read, in order."""

import re
import tempfile
import unittest

import pytest

from common.testing.processes import ROOT, harness
from common.testing.sweeps import COLUMNS

pytestmark = pytest.mark.xdist_group("machine")  # runs a load
PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


def section(title):
    """The text below a heading, up to the next."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


class Schema(unittest.TestCase):
    def test_the_columns_are_those_that_are_written(self):
        documented = re.findall(r"^\| `(\w+)` \|", section("runs.csv"), re.MULTILINE)
        self.assertEqual(documented, COLUMNS)
        with tempfile.TemporaryDirectory() as results:
            ended = harness("load", "epoll", "--duration", "0.05", "--tries", "1", "--results", results)
            self.assertEqual(ended.code, 0, ended.err)
            with open(f"{results}/load/runs.csv", encoding="utf-8") as file:
                self.assertEqual(file.readline().strip().split(","), documented)

    def test_every_kind_of_samples_is_one_that_a_program_writes(self):
        heads = re.findall(r"^\| `([\w,]+)` \|", section("Samples in CSV"), re.MULTILINE)
        self.assertEqual(len(heads), 6)
        sources = "".join(
            path.read_text(encoding="utf-8")
            for path in (ROOT / "common" / "harness").rglob("*.cpp")
            if not path.name.endswith("_test.cpp")
        )
        for head in heads:
            self.assertIn(f'"{head}\\n', sources)

    def test_a_unit_in_a_columns_name_is_the_unit_of_the_table(self):
        units = {"us": "µs", "bytes": "bytes", "percent": "%", "s": "s"}
        for name, unit in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section("runs.csv"), re.MULTILINE):
            last = name.rsplit("_", 1)[-1]
            if name.endswith("_per_s"):
                self.assertEqual(unit, "1/s", name)
            elif last in units:
                self.assertEqual(unit, units[last], name)


if __name__ == "__main__":
    unittest.main()
