"""The behaviour matrix of our own servers, and that every check of it can say no."""

import json
import unittest
from concurrent.futures import ThreadPoolExecutor

from common.harness.judging.faulty_server import FAULTS
from common.testing.processes import SERVERS, expected_of, harness, known_servers, python_server

AT_ONCE = 2  # more would compete for the cores that the timed checks need


def matrix_row(*words):
    """`harness check --json` of one server: how it ended, its name, and behaviour → finding."""
    ended = harness("check", "--json", *words)
    server = json.loads(ended.text)["servers"][0]
    return ended, server["server"], {finding["behaviour"]: finding for finding in server["findings"]}


def expected_matrix():
    """Server → behaviour → "yes" or "no", as common/harness/servers.csv says."""
    return {row["server"]: expected_of(row) for row in known_servers()}


class Matrix(unittest.TestCase):
    def setUp(self):
        pool = ThreadPoolExecutor(AT_ONCE)
        self.addCleanup(pool.shutdown)
        self.pool = pool

    def compare(self, name, findings, expected):
        """Holds a row to what is expected, cell by cell."""
        self.assertEqual(sorted(findings), sorted(expected))
        for behaviour, answer in expected.items():
            with self.subTest(f"{name}: {behaviour}"):
                finding = findings[behaviour]
                self.assertEqual(finding["answer"], answer, f"{name}: {behaviour}: {finding['evidence']}")
                self.assertTrue(finding["evidence"])

    def test_our_servers_behave_as_the_data_say(self):
        expected = expected_matrix()
        self.assertEqual({cell for row in expected.values() for cell in row.values()}, {"yes", "no", "n/a"})
        # What can't run here is left out, there is nothing to judge (test_left_out.py).
        expected = {name: row for name, row in expected.items() if name in SERVERS}
        for ended, name, findings in self.pool.map(matrix_row, expected):
            self.compare(name, findings, expected.pop(name))
            self.assertTrue(all(finding["as_expected"] for finding in findings.values()))
            self.assertEqual((ended.code, ended.left), (0, []))
        self.assertEqual(expected, {})

    def test_each_check_says_no_to_its_fault_and_to_nothing_else(self):
        self.assertEqual(sorted(FAULTS), sorted(expected_matrix()["epoll"]))
        commands = [["--", *python_server("faulty_server.py", "--fault", fault)] for fault in FAULTS]
        for fault, (ended, name, findings) in zip(
            FAULTS, self.pool.map(lambda words: matrix_row(*words), commands)
        ):
            self.assertIn(fault, name)
            self.compare(
                name, findings, {behaviour: "no" if behaviour == fault else "yes" for behaviour in FAULTS}
            )
            self.assertFalse(findings[fault]["as_expected"])
            self.assertEqual((ended.code, ended.left), (1, []))

    def test_without_a_fault_all_is_yes(self):
        ended, _, findings = matrix_row("--", *python_server("faulty_server.py", "--port", "{port}"))
        self.compare("no fault", findings, dict.fromkeys(expected_matrix()["epoll"], "yes"))
        self.assertEqual((ended.code, ended.left), (0, []))


if __name__ == "__main__":
    unittest.main()
