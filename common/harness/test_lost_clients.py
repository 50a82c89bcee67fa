"""A run that lost clients, or gave them wrong bytes, is invalid: it is said, it is in the row, and the exit code is 1."""

import os
import tempfile
import unittest
from pathlib import Path

import pytest

from common.harness.judging.faulty.catalogue import faulty_servers
from common.testing.processes import harness, needs_descriptors, rows_of

pytestmark = pytest.mark.xdist_group("machine")  # measures


class LostClients(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def faulty(self, name):
        return next(server for server in faulty_servers() if server.name == name).command()

    def load(self, *words):
        ended = harness("load", "--duration", "0.2", "--warm-up", "0", "--results", self.results, *words)
        return ended, rows_of(self.results / "load")[0]

    def test_select_with_more_clients_than_it_holds(self):
        """Of the 50 that were to speak, those with a place speak; the row and the words say how many."""
        needs_descriptors(3100)
        ended, row = self.load("select", "--connections", "3000", "--active", "50")
        self.assertEqual((ended.code, row["valid"], row["active"]), (1, "no", "50"), ended.err)
        lost = sum(int(row[kind]) for kind in ("errors", "timeouts", "refused", "corrupt"))
        self.assertGreater(lost, 1900)
        self.assertTrue(
            row["invalid_reason"].startswith(f"{lost} of 3000 clients were lost"), row["invalid_reason"]
        )
        self.assertTrue(0 < int(row["speaking"]) < 50, row["speaking"])
        said = "\n".join(ended.out)
        self.assertIn(f"3000 connections, {row['speaking']} of 50 speaking", said)
        self.assertIn(f"INVALID: {row['invalid_reason']}", " ".join(said.replace("\n  figures", "").split()))

    def test_one_wrong_byte_for_one_client(self):
        ended, row = self.load("--connections", "64", *self.faulty("faulty-server/loses-one-of-many"))
        self.assertEqual((ended.code, row["valid"]), (1, "no"), ended.err)
        self.assertIn("clients were lost or got wrong bytes", row["invalid_reason"])

    def test_other_clients_bytes(self):
        ended, row = self.load("--connections", "64", *self.faulty("faulty-epoll/swaps-buffers"))
        self.assertEqual((ended.code, row["valid"]), (1, "no"), ended.err)
        self.assertGreater(int(row["corrupt"]), 0)
        self.assertIn(f"corrupt {row['corrupt']}", row["invalid_reason"])

    def test_a_sweep_records_the_row_says_so_and_goes_on(self):
        """Every reply of head-of-line's clients is wrong: it isn't drawn as the shortest wait of all."""
        words = ("sweep", "head-of-line", "--results", self.results)
        ended = harness(*words, "epoll", *self.faulty("faulty-epoll/sends-the-whole-buffer"))
        self.assertEqual(ended.code, 1, ended.err)
        ours, wrong = sorted(rows_of(self.results / "head-of-line"), key=lambda row: row["server"] != "epoll")
        shared = "server and generator share the only core" if len(os.sched_getaffinity(0)) == 1 else ""
        self.assertEqual((ours["valid"], ours["speaking"]), ("no" if shared else "yes", "8"))
        self.assertEqual(ours["invalid_reason"], shared)
        self.assertEqual(wrong["valid"], "no")
        self.assertGreater(int(wrong["corrupt"]), 0)
        said = [line for line in ended.err if line.startswith("invalid: ")]
        self.assertEqual(len(said), 1, ended.err)
        self.assertIn("clients were lost or got wrong bytes", said[0])

    def test_a_run_that_lost_nobody_is_none_of_these(self):
        ended, row = self.load("epoll", "--connections", "20", "--active", "7")
        self.assertEqual((ended.code, row["speaking"]), (0, "7"), ended.err)
