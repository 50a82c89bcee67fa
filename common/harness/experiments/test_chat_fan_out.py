"""chat-fan-out: what its records say of rooms whose answers are known, and of one that does wrong."""

import csv
import sys
import unittest
from collections import defaultdict

import pytest

from common.testing.machine import can_trace
from common.testing.processes import BIN, harness, rows_of
from common.testing.sweeps import COLUMNS, Sweep

pytestmark = pytest.mark.xdist_group("machine")  # measures
EXPERIMENT = "chat-fan-out"
SPAN_US = 400_000

# A room with a fault: it says a line to all, and to the listener with the number FAULTY only its beginning.
TEARING = """
import select, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
guests = []
while True:
    for ready in select.select([listener, *guests], [], [])[0]:
        if ready is listener:
            guests.append(listener.accept()[0])
            guests[-1].sendall(b"* welcome\\n")
            continue
        said = ready.recv(65536)
        if not said:
            guests.remove(ready)
            continue
        for number, guest in enumerate(guests):
            if guest is not ready:
                guest.sendall(said if number != 2 else said.replace(b"!\\n", b"\\n"))
"""


class ChatFanOut(Sweep):
    def rows(self, *words):
        """The rows of one room, by how many listen."""
        ended = harness("sweep", EXPERIMENT, "--results", self.results, *words)
        self.said = ended.err
        self.assertEqual(ended.left, [])
        self.code = ended.code
        return {int(row["connections"]): row for row in rows_of(self.results / EXPERIMENT)}

    def events(self, row):
        """The samples by event: listener, line, time in microseconds; none for an empty cell."""
        found = defaultdict(list)
        with open(self.results / EXPERIMENT / row["samples_file"], newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                cells = (line["listener"], line["line"], line["time_us"])
                found[line["event"]].append(tuple(float(cell) if cell else None for cell in cells))
        return found

    def silent(self, row):
        """What the silent ones have found, all together."""
        return {
            finding: int(row[f"silent_{finding}"])
            for finding in ("whole", "torn", "told", "untold", "cut_off")
        }

    def assert_all_is_heard(self, row, events):
        lines, readers = len(events["intended"]), int(row["connections"]) - 1
        self.assertEqual((int(row["requests"]), row["not_answered"]), (lines * readers, "0"))
        heard = [(listener, line) for listener, line, _ in events["heard"] if listener <= readers]
        self.assertEqual(len(heard), lines * readers)
        self.assertEqual(len(set(heard)), len(heard))
        for reader in range(1, readers + 1):
            of_him = [line for listener, line in heard if listener == reader]
            self.assertEqual(of_him, sorted(of_him), "one order")

    def assert_a_send_a_delivery(self, rows):
        """A wait and a recv a line, and a send a delivery; who is behind takes two lines with one wait and one recv. The
        first and the last wait may fall on either side."""
        for listeners, row in rows.items():
            calls = row["server_system_calls_per_request"]
            if not calls:
                self.assertIn("system calls not counted: lines were not heard", "\n".join(self.said))
                continue
            self.assertGreaterEqual(float(calls), 1)
            self.assertLess(float(calls), (listeners + 2) / listeners + 0.01)

    def test_a_room_that_drops(self):
        rows = self.rows("--", BIN / "chat-drop", "--queue-bytes", "4096", "--port", "{port}")
        self.assertEqual(self.code, 0, self.said)
        self.assertEqual(sorted(rows), [10, 100])
        for row in rows.values():
            self.assertEqual(list(row), COLUMNS)
            self.assertEqual((row["loop"], row["message_bytes"], row["active"]), ("open", "1000", "1"))
            events = self.events(row)
            self.assert_all_is_heard(row, events)
            found = self.silent(row)
            self.assertEqual((found["torn"], found["untold"], found["cut_off"]), (0, 0, 0))
            self.assertGreater(found["whole"], 0)
            if row["connections"] == "10":  # in a larger room fewer lines are said
                self.assertGreater(found["told"], 0)
            times = [time for *_, time in events["intended"]]
            interval = times[-1] / (len(times) - 1)
            for number, time in enumerate(times):
                self.assertAlmostEqual(time, number * interval, delta=1)
            self.assertEqual(len(times), round(SPAN_US / interval))
            self.assertNotEqual(row["growth_bytes"], "")
            order = [float(row[column]) for column in ("first_us", "median_us", "last_us", "max_us")]
            self.assertEqual(order, sorted(order))
            ((silent, _, reads),) = events["silent"]
            self.assertEqual(silent, int(row["connections"]))
            self.assertGreaterEqual(reads, SPAN_US)
            self.assertGreater(
                min(time for listener, _, time in events["heard"] if listener == silent), reads
            )
        if can_trace():
            self.assert_a_send_a_delivery(rows)

    def test_a_room_that_waits_lets_all_wait_until_the_silent_one_reads(self):
        rows = self.rows("chat-wait")
        self.assertEqual(self.code, 0, self.said)
        for row in rows.values():
            events = self.events(row)
            self.assert_all_is_heard(row, events)
            last = len(events["intended"])
            times = [time for _, line, time in events["heard"] if line == last]
            self.assertGreater(min(times), SPAN_US)
            self.assertEqual(self.silent(row)["untold"], 0)
            self.assertGreater(float(row["max_us"]), SPAN_US / 4)
        again = self.rows("chat-wait", "--resume")
        self.assertEqual(again, rows)

    def test_what_the_silent_one_finds_tells_the_policies_apart(self):
        self.rows("chat-forget", "chat-keep", "chat-cut-off")
        self.assertEqual(self.code, 0, self.said)
        of_room = {}
        for row in rows_of(self.results / EXPERIMENT):
            if row["connections"] == "10":
                events = self.events(row)
                self.assert_all_is_heard(row, events)
                of_room[row["server"]] = {**self.silent(row), "lines": len(events["intended"])}
        forget, keep, cut_off = (of_room[room] for room in ("chat-forget", "chat-keep", "chat-cut-off"))
        self.assertGreater(forget["untold"], 0)
        self.assertEqual(forget["told"], 0)
        self.assertEqual((keep["torn"], keep["told"], keep["untold"]), (0, 0, 0))
        self.assertGreater(keep["whole"], keep["lines"])  # and the marks
        self.assertEqual((cut_off["cut_off"], cut_off["torn"]), (1, 0))
        self.assertLess(cut_off["whole"], cut_off["lines"])

    def test_a_room_that_tears_the_lines_of_one_who_reads(self):
        room = self.results / "tearing.py"
        room.write_text(TEARING, encoding="utf-8")
        rows = self.rows("--", sys.executable, room, "{port}")
        self.assertEqual(self.code, 1)
        for row in rows.values():
            self.assertEqual((row["corrupt"], row["valid"]), ("1", "no"))
            self.assertIn("clients were lost or got wrong bytes: corrupt 1", row["invalid_reason"])
            lines = len(self.events(row)["intended"])
            self.assertEqual(int(row["not_answered"]), lines)

    def test_it_takes_no_echo_server(self):
        ended = self.sweep("epoll", experiment=EXPERIMENT)
        self.assertEqual((ended.code, len(ended.err)), (2, 1), ended.err)
        self.assertIn("unknown chat room 'epoll': there are chat-wait, ", ended.err[0])


if __name__ == "__main__":
    unittest.main()
