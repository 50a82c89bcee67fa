"""One list of servers, servers.csv: what docs/contributing.md says of adding one is followed here to the letter, in a copy
of the tree, and what a reader sees of the list elsewhere is held to it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import pytest

from common.testing.processes import BIN, ROOT, expected_of, known_servers

BUILD = BIN.parent
NAME, LAB, COLOUR, MARKER = "made-up", "99-made-up", "#123456", "X"
HANDOUT = "# Lab 99: made up\n\nThe server of lab 09 under another name.\n"


def readme_matrix(rows):
    """The behaviour matrix as README.md shows it."""
    names = [row["server"] for row in rows]
    lines = [f"| | {' | '.join(names)} |", "|" + "---|" * (len(names) + 1)]
    for behaviour in expected_of(rows[0]):
        cells = ["**no**" if row[behaviour] == "no" else row[behaviour] for row in rows]
        lines.append(f"| {behaviour} | {' | '.join(cells)} |")
    return "\n".join(lines)


class List(unittest.TestCase):
    def test_the_readme_shows_its_matrix(self):
        matrix = readme_matrix(known_servers())
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        self.assertTrue(matrix in text, f"README.md's matrix is to be this:\n\n{matrix}\n")

    def test_each_server_has_its_program_a_handout_and_a_reference_run(self):
        judged = json.loads((ROOT / "docs" / "reference" / "behaviours.json").read_text(encoding="utf-8"))
        self.assertEqual(
            [server["server"] for server in judged["servers"]], [row["server"] for row in known_servers()]
        )
        for row in known_servers():
            (program,) = ROOT.glob(f"labs/{row['lab']}-*/{row['server']}.cpp")
            self.assertIn(row["server"], program.with_name("README.md").read_text(encoding="utf-8"))

    def test_each_row_says_how_the_server_is_drawn_and_whether_it_has_threads(self):
        looks = [(row["colour"], row["marker"]) for row in known_servers()]
        self.assertEqual(len(set(looks)), len(looks), "two servers share colour and marker")
        for row in known_servers():
            self.assertRegex(row["colour"], r"^#[0-9A-F]{6}$")
            self.assertEqual(len(row["marker"]), 1)
            self.assertIn(row["threads"], ("yes", "no"))
            program = ROOT.glob(f"labs/{row['lab']}-*/{row['server']}.cpp")
            self.assertEqual(
                row["threads"] == "yes", "pthread_create" in next(program).read_text(encoding="utf-8")
            )


@pytest.mark.xdist_group("copy-of-the-tree")
@unittest.skipUnless((ROOT / ".git").exists(), "not a git checkout: which files are the tree's isn't known")
class AddServer(unittest.TestCase):
    """docs/contributing.md, "Add a lab or a server"."""

    temporary: tempfile.TemporaryDirectory
    tree: Path
    environment: dict[str, str]
    made: subprocess.CompletedProcess

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.tree = Path(cls.temporary.name)
        cls.copy_tree()
        cls.add_server()
        # As this build was made, and not as the make that runs the tests was called.
        compiler, flags = (BUILD / "flags").read_text(encoding="utf-8").rstrip("\n").split(" ", 1)
        cls.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
        }
        cls.environment.pop("BIN", None)
        cls.made = cls.run_there(
            *("make", f"CXX={compiler}", f"CXXFLAGS={flags}"),
            *(
                f"build/bin/{name}"
                for name in (NAME, "harness", "servers.csv", "chat_rooms.csv", "build.json")
            ),
        )

    @classmethod
    def copy_tree(cls):
        """The tree's files, and of what is built the objects that it doesn't take long to link; times stay as they are."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in listed.stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (cls.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, cls.tree / name)
        shutil.copytree(
            BUILD / "obj" / "common",
            cls.tree / "build" / "obj" / "common",
            ignore=shutil.ignore_patterns("*_test.*"),
        )
        for name in ("flags", "obj/for-labs.a", "bin/harness"):
            (cls.tree / "build" / name).parent.mkdir(exist_ok=True)
            shutil.copy2(BUILD / name, cls.tree / "build" / name)

    @classmethod
    def add_server(cls):
        """The steps of docs/contributing.md: the program, its row, its handout."""
        lab = cls.tree / "labs" / LAB
        lab.mkdir()
        shutil.copy(ROOT / "labs" / "09-epoll" / "epoll.cpp", lab / f"{NAME}.cpp")
        (lab / "README.md").write_text(HANDOUT, encoding="utf-8")
        (row,) = [row for row in known_servers() if row["server"] == "epoll"]
        row.update({"server": NAME, "lab": "99", "colour": COLOUR, "marker": MARKER})
        with open(cls.tree / "common" / "harness" / "servers.csv", "a", encoding="utf-8") as file:
            file.write(",".join(row.values()) + "\n")

    @classmethod
    def run_there(cls, *words):
        return subprocess.run(
            words, cwd=cls.tree, env=cls.environment, check=False, capture_output=True, text=True, timeout=300
        )

    def test_it_is_built_alone(self):
        self.assertEqual(self.made.returncode, 0, self.made.stderr)
        compiled = re.findall(r"^compile (.*\.cpp)$", self.made.stdout, re.MULTILINE)
        self.assertEqual(compiled, [f"labs/{LAB}/{NAME}.cpp"])

    def test_the_harness_lists_and_judges_it(self):
        self.assertRegex(self.run_there("build/bin/harness", "list").stdout, rf"(?m)^ *{NAME}\b")
        ended = self.run_there("build/bin/harness", "check", "--json", NAME)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        (judged,) = json.loads(ended.stdout)["servers"]
        self.assertEqual(judged["server"], NAME)
        self.assertTrue(all(finding["as_expected"] for finding in judged["findings"]))

    def test_the_tests_and_the_charts_know_it(self):
        known = "from common.testing.processes import SERVERS; print(SERVERS[-1])"
        self.assertEqual(self.run_there(sys.executable, "-c", known).stdout, f"{NAME}\n")
        swept = self.run_there("build/bin/harness", "sweep", "head-of-line", NAME)
        self.assertEqual(swept.returncode, 0, swept.stderr)
        drawn = self.run_there(sys.executable, "-m", "plots")
        self.assertEqual(drawn.returncode, 0, drawn.stderr)
        (chart,) = self.tree.glob("results/charts/waiting-client-by-client.svg")
        self.assertIn(NAME, chart.read_text(encoding="utf-8"))
        look = f"from plots.style import server_style; print(server_style({NAME!r}))"
        said = self.run_there(sys.executable, "-c", look).stdout
        self.assertEqual(said, f"ServerStyle(colour={COLOUR!r}, marker={MARKER!r})\n")

    def test_what_the_readme_is_to_say_is_told(self):
        told = self.run_there(
            sys.executable, "-m", "pytest", "common/harness/test_server_list.py", "-k", "readme"
        )
        self.assertEqual(told.returncode, 1, told.stdout)
        self.assertRegex(
            told.stdout, rf"(?m)README\.md's matrix is to be this:\n[E ]*\n[E ]*\| \| .*\| {NAME} \|$"
        )

    def test_ci_runs_it_under_the_sanitizers(self):
        ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
        (asked,) = re.findall(r"^mapfile -t servers < <\((.*)\)$", ci, re.MULTILINE)
        self.assertEqual(self.run_there("sh", "-c", asked).stdout.splitlines()[-1], NAME)


if __name__ == "__main__":
    unittest.main()
