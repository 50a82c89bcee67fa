"""io-uring-skip-success: as right as io-uring, and half as many system calls."""

import json
import re
import tempfile
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.conversation import receive
from common.testing.machine import can_trace
from common.testing.processes import BIN, harness, lab_server, lacked_descriptors, run, wait_until

PLAIN, SAVING = "io-uring", "io-uring-skip-success"
REQUESTS = 200


def runs_here():
    return (BIN / SAVING).exists() and run(BIN / SAVING, "--help").code == 0


@unittest.skipUnless(runs_here(), "io_uring is not built or not allowed here")
class SkipSuccess(unittest.TestCase):
    def test_it_does_all_that_is_asked_of_a_server(self):
        ended = harness("check", "--json", "--", BIN / SAVING, "--port", "{port}")
        findings = json.loads(ended.text)["servers"][0]["findings"]
        self.assertGreater(len(findings), 20)
        wrong = [one for one in findings if one["answer"] != "yes" and not lacked_descriptors(one)]
        self.assertEqual(wrong, [])
        self.assertEqual((ended.code, ended.left), (0, []))

    @unittest.skipUnless(can_trace(), "strace is not installed or not allowed: calls can't be seen")
    def test_one_call_a_request_in_place_of_two(self):
        self.assertAlmostEqual(self.calls_a_request(PLAIN), 2, delta=0.1)
        self.assertAlmostEqual(self.calls_a_request(SAVING), 1, delta=0.1)

    def calls_a_request(self, name):
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace"
            watch = ("strace", "-f", "-o", trace, "-e", "trace=io_uring_enter")
            with lab_server(name, prefix=watch) as server:
                with conversation.connect((server.host, server.port), 10) as client:

                    def ask(count):
                        for _ in range(count):
                            client.sendall(b"hello")
                            self.assertEqual(receive(client, 5), b"hello")
                        return len(re.findall("io_uring_enter", trace.read_text(encoding="utf-8")))

                    self.assertTrue(wait_until(lambda: ask(1) > 0))
                    before = ask(1)
                    return (ask(REQUESTS) - before) / REQUESTS


if __name__ == "__main__":
    unittest.main()
