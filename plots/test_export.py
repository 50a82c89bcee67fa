"""Samples for other tools: what HdrHistogram's format says is what was measured."""

import array
import base64
import contextlib
import csv
import io
import random
import shutil
import struct
import subprocess
import unittest
import zlib
from collections import Counter
from pathlib import Path

from plots import export, hdr_log, synthetic
from plots.testing import ChartTest

JAR = Path("/usr/share/java/hdrhistogram.jar")  # Debian: libhdrhistogram-java


def decode(text: str) -> tuple[dict, dict[int, int]]:
    """The header of an encoded histogram, and how often each of its values occurs, by the format's own words: a value stands
    for all that share its place, by the lowest of them."""
    raw = base64.b64decode(text)
    cookie, length = struct.unpack(">ii", raw[:8])
    assert (cookie, length) == (0x1C849314, len(raw) - 8)
    raw = zlib.decompress(raw[8:])
    names = ("cookie", "length", "offset", "digits", "lowest", "highest", "ratio")
    header = dict(zip(names, struct.unpack(">iiiiqqd", raw[:40])))
    assert header["length"] == len(raw) - 40
    counts: dict[int, int] = {}
    place = number = shift = 0
    for byte in raw[40:]:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            continue
        count = (number >> 1) ^ -(number & 1)
        if count < 0:
            place -= count
        else:
            if count:
                bucket = max((place >> 10) - 1, 0)
                counts[(place - (bucket << 10)) << bucket] = count
            place += 1
        number = shift = 0
    return header, counts


class Encoding(unittest.TestCase):
    def test_each_value_is_counted_within_a_thousandth(self):
        noise = random.Random(1)
        values = [
            0,
            1,
            2047,
            2048,
            2049,
            4095,
            4096,
            *(round(10 ** noise.uniform(0, 10)) for _ in range(3000)),
        ]
        header, counts = decode(hdr_log.encode(values))
        self.assertEqual(
            (header["cookie"], header["digits"], header["lowest"], header["ratio"]), (0x1C849313, 3, 1, 1.0)
        )
        self.assertEqual(sum(counts.values()), len(values))
        decoded = sorted(Counter(counts).elements())
        for value, near in zip(sorted(values), decoded):
            self.assertLessEqual(near, value)
            self.assertLessEqual(value - near, value / 1000)

    def test_small_values_are_exact(self):
        self.assertEqual(decode(hdr_log.encode([5, 5, 2047, 0]))[1], {0: 1, 5: 2, 2047: 1})

    def test_nothing_and_too_much(self):
        self.assertEqual(decode(hdr_log.encode([]))[1], {})
        ((value, count),) = decode(hdr_log.encode([10**15]))[1].items()
        self.assertEqual(count, 1)
        self.assertAlmostEqual(value, hdr_log.HIGHEST_NS, delta=hdr_log.HIGHEST_NS / 1000)

    def test_many_of_one_value(self):
        self.assertEqual(decode(hdr_log.encode([300] * 100_000))[1], {300: 100_000})


class Export(ChartTest):
    def export(self, *words):
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = export.main([str(word) for word in words])
        return code, said.getvalue(), complained.getvalue()

    def closed_loop(self, latencies_ns, **cells):
        """An experiment of one run with these samples."""
        folder = self.results / "load"
        (folder / "samples").mkdir(parents=True)
        (folder / "samples" / "epoll-c1-r1.u32").write_bytes(array.array("I", latencies_ns).tobytes())
        line = synthetic.run_cells("load", "epoll", 1, 1, samples_file="samples/epoll-c1-r1.u32", **cells)
        return synthetic.write_experiment(
            self.results, "load", [line], {**synthetic.ENVIRONMENT, "time": "2026-11-22T08:02:04Z"}
        )

    def log(self, file):
        """The lines of a log below its head: tag, start, length, largest, counts."""
        lines = file.read_text(encoding="utf-8").splitlines()
        self.assertEqual(lines[0], "#[Histogram log format version 1.3]")
        self.assertRegex(lines[1], r"^#\[StartTime: [0-9]+\.000 \(seconds since epoch\), ")
        self.assertEqual(lines[2], hdr_log.LEGEND)
        found = []
        for line in lines[3:]:
            tag, start, length, largest, text = line.split(",")
            found.append((tag, float(start), float(length), float(largest), decode(text)[1]))
        return found

    def test_a_closed_loop_is_one_histogram_and_a_line_a_request(self):
        folder = self.closed_loop([1000, 1000, 1500, 2_000_000])
        hdr, table = self.results / "x.hlog", self.results / "x.csv"
        code, said, complained = self.export(folder, "--hdr", hdr, "--csv", table)
        self.assertEqual((code, complained), (0, ""))
        self.assertIn("1 run, 0 of them invalid", said)
        self.assertIn("StartTime: 1795334524.000", hdr.read_text())
        ((tag, start, length, largest, counts),) = self.log(hdr)
        self.assertEqual((tag, start, length, largest), ("Tag=epoll-c1-r1", 0, 2, 2))
        self.assertEqual(
            {value: count for value, count in counts.items() if value < 2048}, {1000: 2, 1500: 1}
        )
        with open(table, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["latency_us"] for row in rows], ["1.000", "1.000", "1.500", "2000.000"])
        self.assertEqual(
            {(row["valid"], row["answered"], row["uncorrected_latency_us"]) for row in rows},
            {("yes", "yes", "")},
        )

    def test_an_open_loop_has_both_ways_and_its_unanswered_request_at_the_bound(self):
        folder = synthetic.write_stalled_server(self.results)
        hdr, table = self.results / "x.hlog", self.results / "x.csv"
        self.assertEqual(self.export(folder, "--hdr", hdr, "--csv", table)[0], 0)
        log = self.log(hdr)
        self.assertEqual(
            [line[0] for line in log],
            ["Tag=closed-loop-c2-r1", "Tag=open-loop-c2-r1-corrected", "Tag=open-loop-c2-r1-uncorrected"],
        )
        self.assertEqual([line[1] for line in log], [0, 1, 1], "one run behind the other")
        for _, _, _, largest, counts in log[1:]:
            self.assertEqual(largest, 4000)
            self.assertEqual(sum(counts.values()), 1000)
        slow = [sum(count for value, count in line[4].items() if value > 10e6) for line in log]
        self.assertGreater(slow[1], 180)
        self.assertLess(slow[2], 5)
        with open(table, newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["run"].startswith("open")]
        self.assertEqual([row["latency_us"] for row in rows if row["answered"] == "no"], ["4000000.000"])

    def test_an_invalid_run_is_there_and_says_so(self):
        folder = self.closed_loop([1000], valid="no", invalid_reason="stolen")
        hdr = self.results / "x.hlog"
        self.assertIn("1 run, 1 of them invalid", self.export(folder, "--hdr", hdr)[1])
        self.assertEqual(self.log(hdr)[0][0], "Tag=invalid-epoll-c1-r1")

    def test_what_cannot_be_exported_is_a_line(self):
        folder = synthetic.write_byte_ribbon(self.results)
        target = self.results / "x.csv"
        for place, phrase in (
            (folder, "its samples hold no latencies"),
            (self.results, "has no runs; give the folder of one experiment"),
            (self.results / "missing", "has no runs"),
        ):
            code, said, complained = self.export(place, "--csv", target)
            self.assertEqual((code, said, len(complained.splitlines())), (2, "", 1))
            self.assertIn(phrase, complained)
        self.assertFalse(target.exists())
        code, _, complained = self.export(self.closed_loop([1]), "--csv", self.results / "no" / "x.csv")
        self.assertEqual((code, len(complained.splitlines())), (1, 1))
        self.assertIn("can't write", complained)

    def test_a_broken_sample_leaves_no_file(self):
        folder = self.closed_loop([1])
        (folder / "samples" / "epoll-c1-r1.u32").write_bytes(b"odd")
        code, _, complained = self.export(folder, "--hdr", self.results / "x.hlog")
        self.assertEqual(code, 2)
        self.assertIn("is not made of 32-bit numbers", complained)
        self.assertEqual(sorted(path.name for path in self.results.iterdir()), ["load"])

    @unittest.skipUnless(
        shutil.which("java") and JAR.exists(),
        "HdrHistogram's own tool is not installed (libhdrhistogram-java, a Java)",
    )
    def test_its_own_tool_reads_it(self):
        noise = random.Random(2)
        latencies = sorted(round(10 ** noise.uniform(4, 9)) for _ in range(5000))
        hdr = self.results / "x.hlog"
        self.assertEqual(self.export(self.closed_loop(latencies), "--hdr", hdr)[0], 0)
        words = ["java", "-cp", str(JAR), "org.HdrHistogram.HistogramLogProcessor", "-i", str(hdr)]
        told = subprocess.run(
            [*words, "-tag", "epoll-c1-r1", "-outputValueUnitRatio", "1"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        self.assertRegex(told, r"Total count +=\s+5000\]")
        rows = [line.split() for line in told.splitlines() if line and line.split()[0][0].isdigit()]
        percentiles = [(float(row[1]), float(row[0])) for row in rows if len(row) == 4 and row[2] != "count"]
        self.assertGreater(len(percentiles), 20)
        for share, value in percentiles[1:]:
            # The tool's shares are steps of its own; a value stands for a thousandth at most.
            near = [latencies[max(0, round(share * 5000) - 3)], latencies[min(4999, round(share * 5000) + 2)]]
            self.assertTrue(near[0] * 0.998 <= value <= near[1] * 1.002, (share, value))


if __name__ == "__main__":
    unittest.main()
