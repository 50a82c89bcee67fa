"""What outlives a session: how far the reader is (results/progress.json), what was predicted and measured
(results/predictions.json)."""

import datetime
import json
import os
import tempfile
from pathlib import Path


class RecordError(Exception):
    """A record that can't be read or written: which one, and what to do."""


class Records:
    """The records under `root`/results. Each change is written at once, by renaming a finished file into place."""

    def __init__(self, root):
        self._directory = Path(root) / "results"

    def progress(self):
        """{lab: {"step", "steps", "done", "when"}}"""
        return self._read("progress.json")

    def predictions(self):
        """{lab: {id: {"question", "unit", "predicted", "measured", "measured_by", "when"}}}"""
        return self._read("predictions.json")

    def reached(self, lab, step, steps):
        """Notes that the reader looks at `step`."""
        progress = self.progress()
        before = progress.get(lab, {})
        progress[lab] = {"step": step, "steps": steps, "done": before.get("done", False), "when": _now()}
        self._write("progress.json", progress)

    def finished(self, lab, steps):
        """Notes that the reader came to the lab's end; the next start is at step 1 again."""
        progress = self.progress()
        progress[lab] = {"step": 1, "steps": steps, "done": True, "when": _now()}
        self._write("progress.json", progress)

    def forget(self, lab):
        """Forgets a lab's place and its predictions."""
        for name in ("progress.json", "predictions.json"):
            data = self._read(name)
            if data.pop(lab, None) is not None:
                self._write(name, data)

    def predicted(self, lab, prediction, value):
        """Stores what the reader expects."""
        self._change(lab, prediction, predicted=value)

    def measured(self, lab, prediction, value, by):
        """Stores what a run gave; `by` is "reader" or "batch". A batch run leaves a reader's pair as it is."""
        entry = self.predictions().get(lab, {}).get(prediction.id, {})
        if by == "batch" and (entry.get("predicted") is not None or entry.get("measured_by") == "reader"):
            return
        self._change(lab, prediction, measured=value, measured_by=by)

    def _change(self, lab, prediction, **values):
        data = self.predictions()
        entry = {
            "predicted": None,
            "measured": None,
            "measured_by": None,
            **data.get(lab, {}).get(prediction.id, {}),
        }
        entry.update(question=prediction.question, unit=prediction.unit, when=_now(), **values)
        data.setdefault(lab, {})[prediction.id] = entry
        self._write("predictions.json", data)

    def _read(self, name):
        path = self._directory / name
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise RecordError(f"{path}: can't be read ({error}); repair it or delete it") from None
        if not isinstance(data, dict) or not all(isinstance(entry, dict) for entry in data.values()):
            raise RecordError(f"{path}: isn't the guide's; repair it or delete it")
        return data

    def _write(self, name, data):
        path = self._directory / name
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=self._directory, prefix=f".{name}.", delete=False
            ) as file:
                try:
                    json.dump(data, file, indent=1, ensure_ascii=False)
                    file.write("\n")
                    file.flush()
                    os.fsync(file.fileno())
                    os.fchmod(file.fileno(), 0o644)
                    os.replace(file.name, path)
                except BaseException:
                    os.unlink(file.name)
                    raise
        except OSError as error:
            raise RecordError(f"{path}: can't be written ({error.strerror})") from None


def _now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
