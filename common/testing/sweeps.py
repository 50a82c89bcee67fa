"""What the tests of sweeps share, whatever the experiment: a folder of their own, the columns, whole rows."""

import json
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import harness, rows_of

LATENCY = "latency-vs-connections"
COLUMNS = (
    "experiment server connections active message_bytes work_us wait_us all_cores capacity_percent loop repetition duration_s valid invalid_reason "
    "speaking requests requests_per_s p50_us p90_us p99_us p999_us max_us capacity_per_s "
    "arrivals offered_per_s achieved_per_s lateness_p99_us uncorrected_p50_us uncorrected_p90_us uncorrected_p99_us "
    "uncorrected_p999_us not_answered first_us median_us last_us silent_whole silent_torn silent_told silent_untold "
    "silent_cut_off growth_bytes errors timeouts refused corrupt server_cpu_us_per_request "
    "server_cpu_share server_voluntary_switches server_involuntary_switches "
    "server_system_calls_per_request generator_cpu_share "
    "generator_run_delay_share steal_share foreign_share clock_drift_ppm virtual_bytes rss_bytes pss_bytes page_table_bytes kernel_stack_bytes "
    "socket_bytes slab_both_ends_bytes threads samples_file"
).split()
OPEN_LOOP_COLUMNS = COLUMNS[
    COLUMNS.index("arrivals") : COLUMNS.index("not_answered") + 1
]  # empty in a closed one
FAN_OUT_COLUMNS = COLUMNS[
    COLUMNS.index("first_us") : COLUMNS.index("growth_bytes") + 1
]  # empty where each speaks for himself


class Sweep(unittest.TestCase):
    """A test whose sweeps record into a folder of its own."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)
        self.records = self.results / LATENCY

    def sweep(self, *words, experiment=LATENCY):
        return harness("sweep", experiment, *words, "--results", self.results)

    def environment(self, experiment=LATENCY):
        return json.loads((self.results / experiment / "environment.json").read_text())

    def assert_intact(self):
        """Every row is whole, and so are its samples. Returns the rows."""
        rows = rows_of(self.records)
        for row in rows:
            self.assertEqual(list(row), COLUMNS)
            self.assertNotIn(None, row.values())
            self.assertEqual((self.records / row["samples_file"]).stat().st_size, 4 * int(row["requests"]))
        return rows
