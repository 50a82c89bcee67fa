"""The command that judges servers of others: its table, what it says, the page that it writes."""

import csv
import os
import sys
import tempfile
import unittest
from pathlib import Path

from common.harness.judging.others.table import FOLDER, OTHER_SERVERS
from common.testing.processes import ROOT, run

MODULE = "common.harness.judging.others"


def others(*words, **environment):
    return run(sys.executable, "-m", MODULE, *words, env={**os.environ, **environment})


class Table(unittest.TestCase):
    def test_our_own_sources_are_there_and_each_has_its_server(self):
        commands = " ".join(word for server in OTHER_SERVERS for word in (*server.command, *server.build))
        sources = {
            path.name for path in FOLDER.iterdir() if path.suffix not in (".py", "") or "echo" in path.name
        }
        self.assertEqual({name for name in sources if "{here}/" + name not in commands}, set())
        for word in commands.split():
            if word.startswith("{here}/"):
                self.assertIn(word.removeprefix("{here}/"), sources)

    def test_reasons_are_about_behaviours(self):
        with open(ROOT / "common" / "harness" / "servers.csv", newline="", encoding="utf-8") as file:
            known = set(next(csv.reader(file)))
        for server in OTHER_SERVERS:
            self.assertEqual(set(server.reasons) - known, set(), server.name)

    def test_the_page_has_every_server(self):
        page = (ROOT / "docs" / "other-servers.md").read_text(encoding="utf-8")
        headings = [line.removeprefix("### ") for line in page.splitlines() if line.startswith("### ")]
        self.assertEqual(headings, [server.name for server in OTHER_SERVERS])


class Command(unittest.TestCase):
    def test_a_no_with_its_reason_and_the_page(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            ended = others("python-threads", "--only", "echoes-exactly,stops-cleanly", "--write", page)
            self.assertEqual((ended.code, ended.out[0]), (0, "python-threads: 1 yes, 1 no, 0 n/a"), ended.err)
            self.assertTrue(
                ended.out[1].startswith("  no  stops-cleanly: SIGTERM: killed by signal 15"), ended.out
            )
            text = page.read_text(encoding="utf-8")
        self.assertIn("| stops-cleanly | **no** |", text)
        self.assertRegex(text, r"stops-cleanly: SIGTERM: .* \*Why:\* It has no handler for SIGTERM")
        self.assertNotIn(str(ROOT), text)

    def test_what_is_missing_is_skipped_with_a_word(self):
        ended = others("socat", PATH="/nonexistent")
        self.assertEqual(
            (ended.code, ended.out), (0, ["socat: skipped, socat is not installed (Debian's package socat)"])
        )

    def test_one_that_takes_too_long_is_said(self):
        ended = others("python-threads", "--seconds", "0")
        self.assertEqual((ended.code, ended.out), (1, ["python-threads: not judged within 0 s"]))
        self.assertEqual(ended.left, [])

    def test_an_unknown_name(self):
        ended = others("nosuch")
        self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))
        self.assertIn("unknown server 'nosuch': there are socat, ", ended.err[0])
