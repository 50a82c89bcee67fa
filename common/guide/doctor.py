"""Looks at the machine: what the labs need, what is missing, what that costs, and how to get it."""

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from .machine import LIMITED, MISSING, OK, Row, cores, descriptors, io_uring, namespaces, output, threads

# name, header, what it is for, what its lack costs, Debian's package, essential
_HEADERS = (
    ("fmt", "fmt/core.h", "text output of every program", "nothing can be built", "libfmt-dev", True),
    ("CLI11", "CLI/CLI.hpp", "options of every program", "nothing can be built", "libcli11-dev", True),
    (
        "nlohmann-json",
        "nlohmann/json.hpp",
        "the harness's records",
        "the harness can't be built",
        "nlohmann-json3-dev",
        True,
    ),
    (
        "zlib",
        "zlib.h",
        "checksums of labs 02 and 10, the harness",
        "nothing can be built",
        "zlib1g-dev",
        True,
    ),
    ("doctest", "doctest/doctest.h", "the C++ tests", "the C++ tests can't be built", "doctest-dev", True),
    (
        "liburing",
        "liburing.h",
        "lab 13's servers, and one of lab 16",
        "these aren't built; the others are",
        "liburing-dev",
        False,
    ),
)
# module, what it is for, what its lack costs, Debian's package
_PYTHON = (
    ("matplotlib", "draws the charts", "no charts", "python3-matplotlib"),
    ("rich", "steps through the labs in the terminal", "no `make lab-NN`", "python3-rich"),
)
# name, what it is for, what its lack costs, Debian's package
_TOOLS = (
    ("strace", "shows system calls", "system calls can't be watched: those blocks are passed over", "strace"),
    ("go", "lab 15's server with goroutines", "that server is passed over", "golang-go"),
    ("socat", "lab 15's server in a line of shell", "that server is passed over", "socat"),
)


def examine():
    """Every row of the examination."""
    candidates = (os.environ.get("CXX", ""), "c++", "g++", "clang++")
    compiler = next(filter(None, map(shutil.which, candidates)), None)
    rows = [
        _compiler(compiler),
        _tool("make", "runs every entry point", "no `make lab-NN`", "make", essential=True),
    ]
    rows += _headers(compiler) if compiler else []
    rows += [_python_module(*module) for module in _PYTHON]
    rows += [descriptors(), threads(), cores(), namespaces(), io_uring()]
    rows += [_tool(*tool) for tool in _TOOLS]
    rows += [_terminal(), _fonts()]
    return rows


def _install(package):
    return f"make deps, or: sudo apt install {package}"


def _compiler(compiler):
    if not compiler:
        return Row("C++ compiler", MISSING, "nothing can be built", _install("g++"), essential=True)
    macros = output(compiler, "-std=c++20", "-dM", "-E", "-x", "c++", "/dev/null")
    standard = re.search(r"__cplusplus (\d+)L", macros or "")
    if not standard or int(standard[1]) <= 201703:
        return Row("C++ compiler", MISSING, f"{compiler} doesn't know C++20", _install("g++"), essential=True)
    version = (output(compiler, "--version") or compiler).split("\n")[0]
    return Row("C++ compiler", OK, f"{version}; knows C++20")


def _tool(name, purpose, cost, package, essential=False):
    if shutil.which(name):
        return Row(name, OK, purpose)
    return Row(name, MISSING, cost, f"sudo apt install {package}", essential)


def _headers(compiler):
    probe = "".join(f"#if __has_include(<{header}>)\nFOUND {name}\n#endif\n" for name, header, *_ in _HEADERS)
    try:
        done = subprocess.run(
            [compiler, "-std=c++20", "-E", "-x", "c++", "-"],
            input=probe,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
        )
        found = re.findall(r"FOUND (\S+)", done.stdout)
    except (OSError, subprocess.TimeoutExpired):
        found = []
    for name, _, purpose, cost, package, essential in _HEADERS:
        if name in found:
            yield Row(name, OK, purpose)
        else:
            yield Row(name, MISSING, cost, _install(package), essential)


def _python_module(module, purpose, cost, package):
    # The guide's own Python is only one of those that the charts may run with.
    if importlib.util.find_spec(module):
        return Row(module, OK, purpose)
    return Row(module, MISSING, f"{cost} from {sys.executable}", _install(package))


def _terminal():
    if not (os.isatty(0) and os.isatty(1)):
        return Row(
            "terminal",
            LIMITED,
            "this isn't one: labs run from end to end without questions",
            "run make lab-NN in a terminal",
        )
    columns = os.get_terminal_size(1).columns
    colour = "no colour" if "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") == "dumb" else "colour"
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if columns < 80:
        return Row(
            "terminal", LIMITED, f"{columns} columns: tables get narrow", "make the window 80 columns wide"
        )
    if encoding != "utf8":
        return Row(
            "terminal",
            LIMITED,
            f"{sys.stdout.encoding}: the Chinese terms can't be shown",
            "export LANG=C.UTF-8",
        )
    return Row("terminal", OK, f"{columns} columns, {colour}, UTF-8")


def _fonts():
    listed = output("fc-list", ":lang=zh", "family")
    if listed is None:
        places = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
        files = [
            path
            for place in places
            for path in place.rglob("*")
            if re.search("CJK|wqy|droid.*fallback", path.name, re.I)
        ]
    else:
        files = listed.split("\n")
    if any(str(file).strip() for file in files):
        return Row("Chinese fonts", OK, "Chinese terms can be shown on this machine's own screen")
    return Row(
        "Chinese fonts",
        MISSING,
        "on this machine's own screen Chinese terms show as boxes (over ssh your own fonts count)",
        "sudo apt install fonts-noto-cjk",
    )


def print_examination():
    """Prints the examination as plain text: it must work where nothing is installed yet, rich included.

    Returns the exit status: 1 when something essential is missing.
    """
    rows = examine()
    width = min(shutil.get_terminal_size((100, 24)).columns, 110)
    margin = " " * 25
    for row in rows:
        print(
            textwrap.fill(
                row.meaning, width, initial_indent=f"{row.state:<8} {row.what:<15} ", subsequent_indent=margin
            )
        )
        if row.cure:
            print(
                textwrap.fill(row.cure, width, initial_indent=margin + "→ ", subsequent_indent=margin + "  ")
            )
    lacking = [row.what for row in rows if row.essential and row.state == MISSING]
    print(f"\nMissing and essential: {', '.join(lacking)}." if lacking else "\nEverything essential is here.")
    return 1 if lacking else 0


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a locale without a character of ours shows ? for it
    sys.exit(print_examination())
