"""Sweeps of experiments that start programs of their own: what they record, and what they make of programs that fail."""

import csv
import json
import shutil
import signal
import sys
import unittest
from array import array

from common.testing.processes import BIN, Family, finish, harness, rows_of, run, start, stop_sweep, wait_until
from common.testing.sweeps import COLUMNS, Sweep


class Scenarios(Sweep):
    """Experiments that start programs of their own."""

    def spans(self, row):
        """The lines of a byte ribbon's samples, by kind: first byte, bytes, message."""
        with open(self.results / "byte-ribbon" / row["samples_file"], newline="", encoding="utf-8") as file:
            found = {}
            for line in csv.DictReader(file):
                numbers = (int(line["first_byte"]), int(line["bytes"]), int(line["message"] or 0))
                found.setdefault(line["kind"], []).append(numbers)
        return found

    def test_byte_ribbon(self):
        ended = self.sweep(experiment="byte-ribbon")
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = {row["server"]: row for row in rows_of(self.results / "byte-ribbon")}
        self.assertEqual(set(rows), {"sticky", "split", "framed"})
        for row in rows.values():
            self.assertEqual(list(row), COLUMNS)
            self.assertEqual((row["valid"], row["connections"], row["repetition"]), ("yes", "1", "1"))
        self.assertEqual(
            {name: row["message_bytes"] for name, row in rows.items()},
            {"sticky": "14", "split": "40", "framed": "14"},
        )
        for name, words in (
            ("sticky", "42 bytes, 3 sends, 1 read"),
            ("split", "80 bytes, 2 sends, 4 reads"),
            ("framed", "72 bytes, 4 sends, 8 reads"),
        ):
            self.assertIn(f"{name}: {words}", ended.err)

        sticky, split, framed = (self.spans(rows[name]) for name in ("sticky", "split", "framed"))
        self.assertEqual(
            sticky,
            {
                "message": [(0, 14, 1), (14, 14, 2), (28, 14, 3)],
                "sent": [(0, 14, 0), (14, 14, 0), (28, 14, 0)],
                "read": [(0, 42, 0)],
            },
        )
        self.assertEqual(split["read"], [(0, 24, 0), (24, 24, 0), (48, 24, 0), (72, 8, 0)])
        self.assertEqual([size for _, size, _ in framed["read"]], [10] * 7 + [2])
        self.assertEqual(framed["decoded"], framed["message"])
        self.assertEqual(framed["decoded"], [(18 * i + 4, 14, i + 1) for i in range(4)])
        self.assertEqual(framed["header"], [(18 * i, 4, i + 1) for i in range(4)])

    def test_write_write_read_keeps_every_round_and_resumes(self):
        """Stopped between the two scenarios or in the second; nagle, which takes seconds, is not made twice."""
        ended = stop_sweep(signal.SIGINT, self.results, "write-write-read", rows=1)
        self.assertEqual((ended.code, ended.left), (130, []), ended.err)
        before = rows_of(self.results / "write-write-read")
        resumed = self.sweep("--resume", experiment="write-write-read")
        self.assertEqual((resumed.code, resumed.left), (0, []), resumed.err)
        rows = rows_of(self.results / "write-write-read")
        self.assertEqual(rows[: len(before)], before)
        self.assertEqual(sorted(row["server"] for row in rows), ["nagle", "nodelay"])
        medians = {}
        for row in rows:
            self.assertEqual((list(row), row["requests"]), (COLUMNS, "100"))
            times = array("I", (self.results / "write-write-read" / row["samples_file"]).read_bytes())
            self.assertEqual(len(times), 100)
            self.assertAlmostEqual(
                sorted(times)[49] / 1000, float(row["p50_us"]), delta=float(row["p50_us"]) / 1000
            )
            medians[row["server"]] = float(row["p50_us"])
        self.assertGreater(medians["nagle"], 10 * medians["nodelay"])

    def timeline(self, row):
        """The samples of a slow-reader run, in order: program, time, event, value."""
        with open(self.results / "slow-reader" / row["samples_file"], newline="", encoding="utf-8") as file:
            return [
                (line["program"], int(line["time_ns"]), line["event"], int(line["value"]))
                for line in csv.DictReader(file)
            ]

    def test_slow_reader_records_both_ends_on_one_clock(self):
        ended = self.sweep(experiment="slow-reader")
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = {row["server"]: row for row in rows_of(self.results / "slow-reader")}
        self.assertEqual(set(rows), {"default-buffers", "set-buffers", "writable-events"})
        waits, work = {}, {}
        for name, row in rows.items():
            self.assertEqual((list(row), row["requests"]), (COLUMNS, "20000"))
            total = 20000 * int(row["message_bytes"])
            events = self.timeline(row)
            times = [time for _, time, _, _ in events]
            self.assertEqual((times[0], times), (0, sorted(times)))
            self.assertEqual({program for program, *_ in events}, {"fast-writer", "slow-reader"})
            places = {event: place for place, (_, _, event, _) in enumerate(events)}  # the last of each
            self.assertLess(places["finished"], places["end_of_stream"], name)
            self.assertEqual(
                {events[places[event]][3] for event in ("accepted", "finished", "read", "end_of_stream")},
                {total},
            )
            self.assertEqual(events[places["siocinq"]][3], 0)
            kinds = [event for _, _, event, _ in events if event.startswith("blocked")]
            waits[name], work[name] = kinds.count("blocked_begin"), events[places["other_work"]][3]
            self.assertEqual(kinds, ["blocked_begin", "blocked_end"] * waits[name])
            self.assertTrue(
                any(f"{name}: the writer waited {waits[name]} times" in line for line in ended.err), ended.err
            )
        self.assertGreater(waits["default-buffers"], 0)
        self.assertGreater(waits["set-buffers"], 2 * waits["default-buffers"])
        self.assertEqual((work["default-buffers"], work["set-buffers"]), (0, 0))
        self.assertGreater(work["writable-events"], 0)

    def test_the_seed_decides_the_order(self):
        orders = set()
        for seed in range(8):
            results = ("--results", self.results / str(seed), "--seed", str(seed))
            seen = []
            for _ in range(2):
                self.assertEqual(harness("sweep", "byte-ribbon", *results).code, 0)
                seen.append(tuple(row["server"] for row in rows_of(self.results / str(seed) / "byte-ribbon")))
            self.assertEqual(seen[0], seen[1])
            orders.add(seen[0])
        self.assertGreater(len(orders), 1)


# In place of the programs of labs 02 and 10: what each does and says is in the file PLAN beside it.
STAND_IN = """#!{python}
import json, os, signal, socket, sys
me = os.path.basename(sys.argv[0])
plan = json.load(open(os.path.join(os.path.dirname(sys.argv[0]), "PLAN")))[me]
if "server" in me or "reader" in me:
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    if plan.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    while connection.recv(4096):
        pass
else:
    socket.create_connection(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1]))).close()
if "record" in plan:
    open(sys.argv[sys.argv.index("--record") + 1], "w").write(plan["record"])
print("\\n".join(plan.get("out", [])))
print("\\n".join(plan.get("err", [])), file=sys.stderr)
sys.stdout.flush()
if plan.get("hangs"):
    open(os.path.join(os.path.dirname(sys.argv[0]), "HANGS"), "w").close()
    signal.pause()
sys.exit(plan.get("code", 0))
"""
SPLIT = {"out": ["sent 40 bytes: a", "sent 40 bytes: b"]}
MESSAGES = [f"message {number}: [{number}]{letter * 11}" for number, letter in enumerate("abcd", start=1)]
SPLIT_FIRST, FRAMED_FIRST = 1, 2  # seeds


class FailingPrograms(Sweep):
    """A harness beside programs that are not what they should be."""

    def setUp(self):
        super().setUp()
        self.programs = self.results / "bin"
        self.programs.mkdir()
        for name in ("harness", "servers.csv", "chat_rooms.csv", "build.json"):
            shutil.copy(BIN / name, self.programs)

    def plan(self, **plans):
        (self.programs / "PLAN").write_text(
            json.dumps({name.replace("_", "-"): plan for name, plan in plans.items()})
        )
        for name in plans:
            path = self.programs / name.replace("_", "-")
            path.write_text(STAND_IN.format(python=sys.executable))
            path.chmod(0o755)

    def fails(self, *phrases, experiment="byte-ribbon", seed=SPLIT_FIRST):
        ended = run(self.programs / "harness", "sweep", experiment, "--results", self.results, "--seed", seed)
        said = [line for line in ended.err if line.startswith("harness: ")]
        self.assertEqual((ended.code, len(said), ended.left), (1, 1, []), ended.err)
        for phrase in phrases:
            self.assertIn(phrase, said[0])
        self.assertEqual(rows_of(self.results / experiment), [])

    def sticky(self, client, server):
        self.plan(sticky_client=client, sticky_server=server)

    def test_programs_that_are_not_there(self):
        self.fails("byte-ribbon, split: ", "sticky-server does not start: No such file or directory")
        self.fails("write-write-read does not start: No such file", experiment="write-write-read")

    def test_bytes_that_do_not_add_up(self):
        self.sticky(SPLIT, {"out": ["read 24 bytes: a", "read 50 bytes: b"]})
        self.fails("byte-ribbon, split: the server read 74 bytes in all, not 80")
        self.sticky({"out": SPLIT["out"][:1]}, {"out": ["read 80 bytes: a"]})
        self.fails("byte-ribbon, split: the client sent 40 bytes in all, not 80")
        self.sticky(SPLIT, {"out": ["read some bytes"]})
        self.fails("byte-ribbon, split: 'read some bytes' is not a line 'read N bytes'")

    def test_messages_that_come_out_otherwise(self):
        client = {"err": ["framed-client: sent 18 bytes"] * 4, "out": MESSAGES}
        reads = ["framed-server: read 72 bytes"]
        for decoded, phrase in (
            (MESSAGES[:3], "the server decoded 3 messages, not 4"),
            (
                [*MESSAGES[:3], MESSAGES[3].replace("d", "e")],
                "the server decoded 'message 4: [4]eeeeeeeeeee'",
            ),
        ):
            self.plan(framed_client=client, framed_server={"err": reads, "out": decoded})
            self.fails(f"byte-ribbon, framed: {phrase}", seed=FRAMED_FIRST)

    def test_a_program_that_fails(self):
        self.sticky({**SPLIT, "err": ["oh"], "code": 3}, {"out": ["read 80 bytes: a"]})
        self.fails("byte-ribbon, split: sticky-client failed (exit 3): oh")
        self.sticky(SPLIT, {"out": ["read 80 bytes: a"], "err": ["reset"], "code": 1})
        self.fails("byte-ribbon, split: sticky-server failed (exit 1): reset")

    def test_a_reader_that_dies(self):
        self.plan(slow_reader={"dies": True})
        shutil.copy(BIN / "fast-writer", self.programs)
        self.fails(
            "slow-reader, ",
            "-buffers: slow-reader failed (killed by signal 9 (SIGKILL)); "
            "fast-writer failed (exit 1): fast-writer: send: ",
            experiment="slow-reader",
        )

    def test_a_writer_or_reader_that_is_not_there(self):
        self.fails("slow-reader does not start: No such file or directory", experiment="slow-reader")
        shutil.copy(BIN / "slow-reader", self.programs)
        self.fails("fast-writer does not start: No such file or directory", experiment="slow-reader")

    def test_a_transfer_that_does_not_add_up(self):
        """Other bytes, other messages than were asked for, no totals, a record that is not whole."""
        totals = "20000 messages, 10240000 bytes, checksum 57babf7a"
        other = totals.replace("57", "75")
        record = "time_ns,event,value\n1,connected,512\n2,finished,1\n3,closed,1\n"
        writer = {"out": [f"sent {totals}"], "record": record}
        reader = {"out": [f"received {totals}"], "record": record.replace("closed", "end_of_stream")}
        fewer = totals.replace("20000", "19999")
        cases: list[tuple[dict, dict, str]] = [
            ({}, {"out": [f"received {other}"]}, f"the writer sent {totals}; the reader received {other}"),
            (
                {"out": [f"sent {fewer}"]},
                {"out": [f"received {fewer}"]},
                f"of 20000 messages the writer sent {fewer}",
            ),
            ({"out": ["sent all"]}, {}, "'sent all' is not a line 'sent N messages, B bytes, checksum C'"),
            ({"out": []}, {}, "'' is not a line 'sent N messages"),
            (
                {"record": record.replace("3,closed,1", "")},
                {},
                "the record of fast-writer: line 4: '' is not a time, an event",
            ),
            ({}, {"record": record}, "the record of slow-reader has no 'end_of_stream'"),
            ({}, {"record": ""}, "the record of slow-reader: line 1: '' is not 'time_ns,event,value'"),
            ({"code": 3, "err": ["oh"]}, {}, "fast-writer failed (exit 3): oh"),
            ({}, {"code": 1, "err": ["reset"]}, "slow-reader failed (exit 1): reset"),
        ]
        for changed_writer, changed_reader, phrase in cases:
            self.plan(fast_writer={**writer, **changed_writer}, slow_reader={**reader, **changed_reader})
            self.fails("slow-reader, ", phrase, experiment="slow-reader")
        self.plan(fast_writer=writer, slow_reader=reader)
        whole = run(self.programs / "harness", "sweep", "slow-reader", "--results", self.results)
        self.assertEqual((whole.code, len(rows_of(self.results / "slow-reader"))), (0, 3), whole.err)

    def start_one_that_hangs(self):
        """A harness that waits for its client, while the server is halted."""
        self.sticky({**SPLIT, "hangs": True}, {})
        family = Family()
        process = start(
            [self.programs / "harness", "sweep", "byte-ribbon", "--results", self.results], family
        )
        self.assertTrue(wait_until((self.programs / "HANGS").exists), family.programs())
        self.assertEqual(len(family.processes()), 3, family.programs())
        return process, family

    def test_ctrl_c_while_a_program_hangs(self):
        process, family = self.start_one_that_hangs()
        process.send_signal(signal.SIGINT)
        ended = finish(process, family, 30)
        self.assertEqual((ended.code, ended.left), (130, []), ended.err)
        self.assertIn("interrupted: 0 of 3 runs are kept", ended.err[-1])

    def test_a_killed_harness_leaves_no_program_halted_or_not(self):
        process, family = self.start_one_that_hangs()
        process.kill()
        ended = finish(process, family, 30)
        self.assertEqual((ended.code, ended.left), (-signal.SIGKILL, []))


if __name__ == "__main__":
    unittest.main()
