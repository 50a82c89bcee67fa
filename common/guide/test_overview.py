"""The table of what a request costs each server."""

import csv
import tempfile
import unittest
from pathlib import Path

from rich.console import Console

from common.guide.overview import request_table

COLUMNS = (
    "server",
    "connections",
    "requests",
    "server_voluntary_switches",
    "server_involuntary_switches",
    "server_system_calls_per_request",
)


class RequestTable(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)

    def table(self, *rows, columns=COLUMNS):
        """The lines of the table of these rows, without its frame; None for no table."""
        folder = self.root / "results" / "system-calls"
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "runs.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])
        made = request_table(self.root)
        if made is None:
            return None
        console = Console(width=100)
        with console.capture() as capture:
            console.print(made)
        return [line.split() for line in capture.get().splitlines() if line.strip() and "─" not in line]

    def test_medians_a_server_and_number_of_connections(self):
        lines = self.table(
            ("epoll", 1, 100, 90, 10, 3),
            ("epoll", 20, 1000, 50, 0, 2.1),
            ("epoll", 20, 1000, 10, 0, 2.3),
            ("epoll", 20, 1000, 20, 0, 2.2),
        )
        self.assertEqual(lines[-1], ["epoll", "3.00", "1.00", "2.20", "0.02"])

    def test_what_was_not_measured(self):
        lines = self.table(
            ("poll", 1, 100, 90, 10, ""), ("127.0.0.1:9000", 1, 100, "", "", ""), ("select", 1, "", 3, 0, "")
        )
        self.assertEqual(
            lines[-3:], [["127.0.0.1:9000", "-", "-"], ["poll", "-", "1.00"], ["select", "-", "-"]]
        )

    def test_nothing_to_show(self):
        self.assertIsNone(request_table(self.root))
        self.assertIsNone(self.table())
        self.assertIsNone(self.table(("epoll", "many", 1, 1, 1, 1)))
        self.assertIsNone(self.table(("epoll", 1), columns=("server", "connections")))


if __name__ == "__main__":
    unittest.main()
