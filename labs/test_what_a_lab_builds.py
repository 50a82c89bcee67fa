"""`make lab-NN` builds the programs that its handout runs, and not the tree."""

import csv
import re
import subprocess
import tempfile
import unittest

from common.testing.processes import ROOT

with open(ROOT / "common/harness/servers.csv", encoding="utf-8", newline="") as _table:
    SERVERS = {row["server"] for row in csv.DictReader(_table)}
HANDOUTS = sorted(ROOT.glob("labs/[0-9][0-9]*-*/README.md"))


def commands(page):
    """The lines of a handout's command blocks."""
    return [
        line
        for block in re.findall(r"^```sh.*?\n(.*?)^```", page, re.S | re.M)
        for line in block.splitlines()
    ]


def run_by(lines):
    """The programs that these lines run: by their place, or as a server that the harness starts."""
    programs = set()
    for line in lines:
        programs |= set(re.findall(r"\bbuild/bin/([a-z0-9-]+)", line))
        if "build/bin/harness" in line:
            programs |= SERVERS & set(line.split())
    return programs


def built_by(target):
    """What make would link and compile for the target in an empty build folder."""
    with tempfile.TemporaryDirectory() as empty:
        said = subprocess.run(
            ["make", "-n", target, f"BUILD={empty}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return set(re.findall(r'echo "link .*/bin/(.*)"', said)), re.findall(r'echo "compile (.*)"', said)


def built_for(lab):
    return built_by(f"named-in-lab-{lab}")


class WhatALabBuilds(unittest.TestCase):
    def test_all_that_its_handout_runs(self):
        self.assertGreaterEqual(len(HANDOUTS), 15)
        can_be_built, _ = built_by("programs")  # not all everywhere: some need liburing
        self.assertTrue({"epoll", "harness", "sticky-server"} <= can_be_built)
        for handout in HANDOUTS:
            runs = run_by(commands(handout.read_text(encoding="utf-8")))
            linked, _ = built_for(handout.parent.name.partition("-")[0])
            self.assertTrue(runs, handout)
            self.assertEqual((runs & can_be_built) - linked, set(), handout)

    def test_not_the_tree(self):
        linked, compiled = built_for("01")
        self.assertNotIn("harness", linked)
        self.assertLess(len(compiled), 40)
        self.assertFalse([path for path in compiled if path.startswith("common/harness")])
        linked, _ = built_for("03")
        self.assertIn("harness", linked)
        self.assertNotIn("epoll-coroutines", linked)


if __name__ == "__main__":
    unittest.main()
