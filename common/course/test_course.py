"""The course, with a made-up harness: the order, the charts, the seconds, and what an interruption leaves."""

import csv
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from common.course.__main__ import BEHAVIOURS, DEMONSTRATIONS, EXPERIMENTS, FULL_ALONE, duration
from common.testing.processes import ROOT
from plots import synthetic
from plots.__main__ import CHARTS

# Says what it was asked. `slow` and `code` in its folder change what it does.
PROGRAM = """#!/bin/sh
here=$(dirname "$0")
echo "$(basename "$0") $*" >>"$here/asked"
is_about() { [ -e "$here/$about" ] && case " $* " in *" $(cat "$here/$about") "*) true ;; *) false ;; esac; }
about=slow
if is_about "$@"; then
  trap 'exit 130' INT
  echo "$$" >"$here/waiting"
  while :; do sleep 0.1; done
fi
about=refused
if is_about "$@"; then exit "$(cat "$here/code")"; fi
"""


class Course(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for name in ("harness", *DEMONSTRATIONS):
            (self.bin / name).write_text(PROGRAM)
            (self.bin / name).chmod(0o755)

    def start(self, profile="quick", *options):
        return subprocess.Popen(
            [sys.executable, "-m", "common.course", self.bin, profile, "1", *options],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def run_course(self, *options):
        course = self.start(*options)
        said, complained = course.communicate(timeout=120)
        return course.returncode, said, complained

    def asked(self):
        """What the harness was asked, in order: the names of experiments, and behaviours."""
        words = [line.split() for line in (self.bin / "asked").read_text().splitlines()]
        return [BEHAVIOURS if word[1] == "check" else word[2] for word in words if word[0] == "harness"]

    def rows(self):
        with (self.folder / "results" / "course.csv").open(newline="") as table:
            return [row["stage"] for row in csv.DictReader(table)]

    def test_each_chart_is_named_behind_its_stage_and_the_next_course_knows_how_long_it_takes(self):
        synthetic.write_all(self.folder / "results")
        code, said, complained = self.run_course()
        self.assertEqual((code, complained), (0, ""))
        self.assertIn("13 stages, takes about three minutes on two cores", said.splitlines()[0])
        self.assertEqual(self.asked(), [*EXPERIMENTS[:4], BEHAVIOURS, *EXPERIMENTS[4:]])
        lines = said.splitlines()
        for chart in CHARTS:
            if chart.EXPERIMENT in FULL_ALONE:
                self.assertNotIn(chart.EXPERIMENT, self.asked())
                continue
            (stage,) = [i for i, line in enumerate(lines) if line.endswith(f"] {chart.EXPERIMENT}")]
            of_stage = [one for one in CHARTS if one.EXPERIMENT == chart.EXPERIMENT]
            self.assertIn(f"results/charts/{chart.CHART}.png", lines[stage + 1 + of_stage.index(chart)])
            self.assertGreater((self.folder / f"results/charts/{chart.CHART}.png").stat().st_size, 10_000)
        self.assertEqual(len(self.rows()), len(EXPERIMENTS) + 2)
        self.refuse("sweep", 3)  # how long it takes is said before
        _, said, _ = self.run_course()
        self.assertRegex(said.splitlines()[0], r"13 stages, took ([0-9]+ min )?[0-9]+ s the last time")
        # Another profile is another course.
        _, said, _ = self.run_course("full")
        stages = len(EXPERIMENTS) + len(FULL_ALONE) + 2
        self.assertIn(f"{stages} stages, takes some forty minutes", said.splitlines()[0])

    def refuse(self, experiment, code):
        (self.bin / "refused").write_text(experiment)
        (self.bin / "code").write_text(str(code))

    def test_an_invalid_run_is_said_at_the_end_and_the_rest_goes_on(self):
        self.refuse("check", 1)
        code, _, complained = self.run_course()
        self.assertEqual((code, len(self.asked())), (1, len(EXPERIMENTS) + 1))
        self.assertIn("not everything was as described", complained)

    def test_what_cannot_go_on_ends_it_with_its_code(self):
        self.refuse("check", 3)
        code, _, _ = self.run_course()
        self.assertEqual((code, self.asked()[-1], self.rows()), (3, BEHAVIOURS, list(EXPERIMENTS[:4])))

    def wait_at(self, stage):
        (self.bin / "slow").write_text(stage)
        course = self.start()
        while not (self.bin / "waiting").exists():
            self.assertIsNone(course.poll())
        return course

    def test_an_interruption_keeps_what_is_finished_and_resume_goes_on(self):
        course = self.wait_at("check")
        # As a terminal does: to all of them.
        os.kill(int((self.bin / "waiting").read_text()), signal.SIGINT)
        course.send_signal(signal.SIGINT)
        said, complained = course.communicate(timeout=60)
        self.assertEqual(course.returncode, 130, complained)
        self.assertIn("`make course RESUME=1` goes on", complained)
        self.assertEqual(self.rows(), list(EXPERIMENTS[:4]))
        (self.bin / "slow").unlink()
        (self.folder / "results" / "byte-ribbon").mkdir()  # begun, by a harness that is none here
        self.run_course("quick", "--resume")
        resumed = [
            line for line in (self.bin / "asked").read_text().splitlines() if line.endswith("--resume")
        ]
        self.assertEqual([line.split()[2] for line in resumed], ["byte-ribbon"])

    def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(self):
        synthetic.write_all(self.folder / "results")
        (self.folder / "results" / "course.part").symlink_to("/dev/full")
        code, _, complained = self.run_course()
        self.assertEqual((code, complained), (1, "can't write into results/: No space left on device\n"))
        self.assertEqual(sorted(path.name for path in (self.folder / "results").glob("course.*")), [])

    def test_a_folder_of_results_that_cannot_be_made(self):
        (self.folder / "results").write_text("precious")
        code, said, complained = self.run_course()
        self.assertEqual((code, said, complained), (1, "", "can't write results: File exists\n"))
        self.assertEqual((self.folder / "results").read_text(), "precious")

    def test_a_program_that_cannot_be_run_is_named(self):
        for name in ("harness", DEMONSTRATIONS[-1]):
            with self.subTest(name):
                synthetic.write_all(self.folder / "results")
                (self.bin / name).rename(self.folder / name)
                code, _, complained = self.run_course()
                self.assertEqual(
                    (code, complained), (1, f"can't run {self.bin / name}: No such file or directory\n")
                )
                (self.folder / name).rename(self.bin / name)

    def test_two_courses_in_one_folder(self):
        first = self.wait_at("check")
        code, said, complained = self.run_course()
        self.assertEqual((code, said, len(complained.splitlines())), (2, "", 1))
        self.assertIn("a course runs in this folder already", complained)
        os.kill(int((self.bin / "waiting").read_text()), signal.SIGINT)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)

    def test_a_profile_that_does_not_exist(self):
        code, _, complained = self.run_course("quik")
        self.assertEqual((code, complained), (2, "PROFILE takes quick or full, not 'quik'\n"))
        self.assertFalse((self.folder / "results").exists())


class Duration(unittest.TestCase):
    def test_as_one_says_it(self):
        self.assertEqual([duration(9.4), duration(59.6), duration(160)], ["9 s", "1 min 00 s", "2 min 40 s"])
