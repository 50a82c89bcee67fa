"""Whether this Python has what the guide needs, and which one has."""

import importlib.util
import subprocess
import sys
from pathlib import Path

NEEDED = ("rich",)


def advice(needed=NEEDED):
    """None if this Python has the packages; else one line that says which Python to use."""
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    lacks = f"{sys.executable} has no {', '.join(missing)}"
    find = Path(__file__).parents[1] / "setup" / "find-python.sh"
    found = subprocess.run([find, *needed], capture_output=True, text=True)
    other = found.stdout.strip()
    if found.returncode != 0 or not other:
        return f"guide: {lacks}; `make deps` installs it for Debian's own Python"
    return f"guide: {lacks}; this one has: {other} -m common.guide"
