"""Servers that this machine can't run: left out with the reason, everywhere alike; and the rest goes on."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import BIN, CANNOT_RUN_HERE, rows_of, run

NOT_BUILT = "left out: io-uring: not built: liburing was not found (Debian: liburing-dev)"
FORBIDDEN = "left out: io-uring: can't run here: io_uring_setup: Operation not permitted"
SCRIPT = """#!/bin/sh
echo "io-uring: can't run here: io_uring_setup: Operation not permitted" >&2
exit 77
"""


class LeftOut(unittest.TestCase):
    """A harness that knows two servers, of which io-uring isn't built."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name) / "results"
        self.programs = Path(temporary.name) / "bin"
        self.programs.mkdir()
        for name in ("harness", "epoll", "chat_rooms.csv", "build.json"):
            shutil.copy(BIN / name, self.programs)
        header, *rows = (BIN / "servers.csv").read_text(encoding="utf-8").splitlines()
        rows = [row for row in rows if row.split(",")[0] in ("epoll", "io-uring")]
        (self.programs / "servers.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    def forbid(self):
        path = self.programs / "io-uring"
        path.write_text(SCRIPT, encoding="utf-8")
        path.chmod(0o755)

    def harness(self, *words):
        """Runs it. Returns how it ended, and the lines on stderr about what was left out."""
        ended = run(self.programs / "harness", *words)
        self.assertEqual(ended.left, [])
        return ended, [line for line in ended.err if line.startswith("left out: ")]

    def test_a_sweep_of_all_goes_on_without_it(self):
        for reason in (NOT_BUILT, FORBIDDEN):
            ended, left_out = self.harness("sweep", "head-of-line", "--results", self.results)
            self.assertEqual((ended.code, left_out), (0, [reason]))
            folder = self.results / "head-of-line"
            self.assertEqual([row["server"] for row in rows_of(folder)], ["epoll"])
            environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
            self.assertEqual([f"left out: {line}" for line in environment["left_out"]], [reason])
            self.forbid()

    def test_what_was_named_and_left_out_does_not_look_done(self):
        ended, left_out = self.harness(
            "sweep", "head-of-line", "epoll", "io-uring", "--results", self.results
        )
        self.assertEqual((ended.code, left_out), (CANNOT_RUN_HERE, [NOT_BUILT]))
        before = rows_of(self.results / "head-of-line")
        self.assertEqual([row["server"] for row in before], ["epoll"])
        self.forbid()
        for words in (("sweep", "head-of-line"), ("check",), ("load",)):
            where = () if words == ("check",) else ("--results", self.results)
            ended, left_out = self.harness(*words, "io-uring", *where)
            self.assertEqual((ended.code, ended.err, ended.out), (CANNOT_RUN_HERE, [FORBIDDEN], []))
        self.assertEqual(rows_of(self.results / "head-of-line"), before)

    def test_a_check_of_all_goes_on_without_it(self):
        for words, code in (((), 0), (("all",), 0), (("epoll", "io-uring"), CANNOT_RUN_HERE)):
            ended, left_out = self.harness("check", "--json", *words)
            self.assertEqual((ended.code, left_out), (code, [NOT_BUILT]))
            self.assertEqual([server["server"] for server in json.loads(ended.text)["servers"]], ["epoll"])

    def test_a_program_that_should_be_there_is_an_error(self):
        (self.programs / "epoll").unlink()
        ended, _ = self.harness("sweep", "head-of-line", "--results", self.results)
        self.assertEqual(ended.code, 1)
        self.assertIn("epoll' does not start: No such file or directory", ended.err[-1])


if __name__ == "__main__":
    unittest.main()
