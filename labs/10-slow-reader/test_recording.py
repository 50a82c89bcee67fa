"""Lab 10's pair: what stands in both records, and that one which can't be written disturbs nobody."""

import re
import signal
import unittest

from common.testing.processes import BIN, run

from .transfers import SMALL, WithRecords, complaints, finished, reader, stream_of, totals


class Recording(WithRecords):
    def test_both_records_of_a_run(self):
        record = self.folder / "reader.csv"
        with reader("--rcvbuf", "4096", "--sleep-us", "0", "--record", record) as server:
            server.process.send_signal(signal.SIGSTOP)
            with self.writer(server, *SMALL, "--messages", "5000") as process:
                self.wait_until_blocked()
                server.process.send_signal(signal.SIGCONT)
                ended = process.end()
            self.assertEqual((ended.code, finished(server).code), (0, 0))
        for name in ("writer", "reader"):
            times = [time for time, _, _ in self.events(name)]
            self.assertEqual(times, sorted(times), "time went back")
        self.check_writer(int(re.match(r"blocked (\d+)", ended.out[1])[1]))
        self.check_reader()
        # One clock: the end of one file lies within the life of the other program.
        self.assertLess(self.events("writer")[0][0], self.events("reader")[-1][0])
        self.assertGreater(self.events("reader")[-1][0], self.time_of("finished", "writer"))

    def time_of(self, event, name):
        (found,) = (time for time, seen, _ in self.events(name) if seen == event)
        return found

    def values(self, event, name):
        return [value for _, seen, value in self.events(name) if seen == event]

    def check_writer(self, blocked):
        events = self.events()
        self.assertEqual(events[0][1:], ("connected", 64))
        self.assertEqual(events[-1][1:], ("closed", 320_000))
        self.assertEqual(self.values("finished", "writer"), [320_000])
        waits = [event for _, event, _ in events if event.startswith("blocked")]
        self.assertEqual(waits, ["blocked_begin", "blocked_end"] * blocked)
        accepted = self.values("accepted", "writer")
        self.assertEqual(accepted, sorted(accepted))
        self.assertEqual(accepted[-1], 320_000)
        for queued, unsent in zip(self.values("siocoutq", "writer"), self.values("siocoutqnsd", "writer")):
            self.assertLessEqual(unsent, 320_000)
            self.assertLessEqual(queued, 320_000)
        self.assertEqual(set(self.values("so_sndbuf", "writer")), {8192})
        self.assertGreater(max(self.values("siocoutq", "writer")), 0)

    def check_reader(self):
        events = self.events("reader")
        self.assertEqual(events[0][1:], ("connected", 64))
        self.assertEqual(self.values("end_of_stream", "reader"), [320_000])
        read = self.values("read", "reader")
        self.assertEqual((read, read[-1]), (sorted(read), 320_000))
        self.assertEqual(self.values("siocinq", "reader")[-1], 0)
        self.assertEqual(set(self.values("so_rcvbuf", "reader")), {8192})

    def test_the_queue_of_a_sender_that_has_ended(self):
        """The reader's record goes on where the writer's has ended: the kernel still holds the bytes."""
        record = self.folder / "reader.csv"
        with reader("--rcvbuf", "4096", "--sleep-us", "500", "--record", record) as server:
            server.process.send_signal(signal.SIGSTOP)
            with self.writer(server, "--sndbuf", "400000", "--messages", "1000") as process:
                self.assertEqual(process.end().code, 0)
            server.process.send_signal(signal.SIGCONT)
            self.assertEqual(finished(server).code, 0)
        if not self.values("peer_siocoutq", "reader"):
            self.skipTest("this kernel does not tell about the peer's socket (sock_diag)")
        self.assertGreater(max(self.values("peer_siocoutq", "reader")), 30_000)

    def check_unrecorded(self, where, reason, prefix=()):
        expected = stream_of(20_000)
        with reader("--sleep-us", "0", "--record", where, prefix=prefix) as server:
            ended = run(
                *prefix, BIN / "fast-writer", "--port", server.port, "--messages", "20000", "--record", where
            )
            read = finished(server)
        self.assertEqual((ended.code, read.code), (1, 1))
        self.assertEqual(ended.out[-1], totals("sent", 20_000, expected))
        self.assertEqual(read.out, [totals("received", 20_000, expected)])
        for name, one in (("fast-writer", ended), ("slow-reader", read)):
            self.assertEqual(len(complaints(one)), 1, complaints(one))
            self.assertRegex(complaints(one)[0], rf"^{name}: {reason}; going on without the record$")

    def test_a_full_disk(self):
        self.check_unrecorded("/dev/full", "write /dev/full: No space left on device")

    def test_a_file_that_can_not_be_made(self):
        self.check_unrecorded(
            "/no/such/folder/record", "open /no/such/folder/record: No such file or directory"
        )

    def test_a_file_that_may_not_grow(self):
        limited = ("bash", "-c", 'ulimit -f 0; exec "$@"', "bash")
        where = self.folder / "small"
        self.check_unrecorded(where, f"write {where}: File too large", limited)


if __name__ == "__main__":
    unittest.main()
