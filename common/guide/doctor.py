"""Looks at the machine: what the labs need, what is missing, what that costs, and how to get it."""

import ctypes
import errno
import importlib.util
import io
import os
import re
import resource
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

OK, MISSING, LIMITED = "ok", "missing", "limited"

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
    ("doctest", "doctest/doctest.h", "the C++ tests", "the C++ tests can't be built", "doctest-dev", True),
)
# module, what it is for, what its lack costs, Debian's package
_PYTHON = (
    ("matplotlib", "draws the charts", "no charts", "python3-matplotlib"),
    ("rich", "steps through the labs in the terminal", "no `make lab-NN`", "python3-rich"),
)


@dataclass(frozen=True)
class Row:
    """One finding: the state, what it means in plain words, and how to better it."""

    what: str
    state: str
    meaning: str
    cure: str = ""
    essential: bool = False


def examine():
    """Every row of the examination."""
    candidates = (os.environ.get("CXX", ""), "c++", "g++", "clang++")
    compiler = next(filter(None, map(shutil.which, candidates)), None)
    rows = [_compiler(compiler), _tool("make", "runs every entry point", "no `make lab-NN`", essential=True)]
    rows += _headers(compiler) if compiler else []
    rows += [_python_module(*module) for module in _PYTHON]
    rows += [_descriptors(), _threads(), _cores(), _namespaces(), _io_uring()]
    rows += [
        _tool("strace", "shows system calls", "system calls can't be watched: those blocks are passed over")
    ]
    rows += [_terminal(), _fonts()]
    return rows


def _install(package):
    return f"make deps, or: sudo apt install {package}"


def _output(*command):
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _number_in(path):
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None


def _compiler(compiler):
    if not compiler:
        return Row("C++ compiler", MISSING, "nothing can be built", _install("g++"), essential=True)
    macros = _output(compiler, "-std=c++20", "-dM", "-E", "-x", "c++", "/dev/null")
    standard = re.search(r"__cplusplus (\d+)L", macros or "")
    if not standard or int(standard[1]) <= 201703:
        return Row("C++ compiler", MISSING, f"{compiler} doesn't know C++20", _install("g++"), essential=True)
    version = (_output(compiler, "--version") or compiler).split("\n")[0]
    return Row("C++ compiler", OK, f"{version}; knows C++20")


def _tool(name, purpose, cost, essential=False):
    if shutil.which(name):
        return Row(name, OK, purpose)
    return Row(name, MISSING, cost, f"sudo apt install {name}", essential)


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


def _descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _number_in("/proc/sys/fs/nr_open") or 0
    shown = "no limit" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    meaning = f"a process may hold {soft:,} open files and sockets, and may raise that to {shown}"
    if hard != resource.RLIM_INFINITY and hard < 20_000:
        cure = f"ulimit -n as root, or nofile in /etc/security/limits.conf (at most {most:,})"
        return Row("descriptors", LIMITED, meaning + "; the large connection counts stop there", cure)
    return Row("descriptors", OK, meaning)


def _threads():
    bounds = {
        "pid_max": _number_in("/proc/sys/kernel/pid_max"),
        "threads-max": _number_in("/proc/sys/kernel/threads-max"),
        "max_map_count / 2": _half(_number_in("/proc/sys/vm/max_map_count")),
    }
    user = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    bounds["ulimit -u"] = None if user == resource.RLIM_INFINITY else user
    bounds["the control group's pids.max"] = _pids_max()
    known = {name: bound for name, bound in bounds.items() if bound is not None}
    if not known:
        return Row("threads", LIMITED, "no limit could be read")
    name = min(known, key=known.get)
    meaning = f"up to about {known[name]:,} threads; the first bound met is {name}"
    if known[name] < 5_000:
        return Row("threads", LIMITED, meaning + "; lab 05 meets it early", f"raise {name} as root")
    return Row("threads", OK, meaning)


def _half(number):
    return None if number is None else number // 2


def _pids_max():
    """The tightest pids.max of the control groups that we are in."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    bounds = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        top = Path("/sys/fs/cgroup") / ("pids" if controllers else "")
        if controllers and "pids" not in controllers.split(","):
            continue
        group = top / path.lstrip("/")
        for directory in (group, *group.parents):
            if directory.is_relative_to(top):
                bounds.append(_number_in(directory / "pids.max"))
    return min((bound for bound in bounds if bound is not None), default=None)


def _cores():
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return Row(
            "cores",
            LIMITED,
            "one core: server and load generator share it, so every measured point is marked invalid",
            "a machine with two cores or more",
        )
    return Row("cores", OK, f"{cores}: server and load generator each get their own")


def _namespaces():
    if not shutil.which("unshare"):
        return Row(
            "namespaces",
            MISSING,
            "a network of one's own can't be made on this machine",
            "sudo apt install util-linux",
        )
    if _output("unshare", "-Urn", "true") is None:
        cure = (
            "sudo sysctl kernel.unprivileged_userns_clone=1 (or, in a container, start it with more rights)"
        )
        return Row("namespaces", LIMITED, "unshare -Urn is refused: a network of one's own needs root", cure)
    return Row("namespaces", OK, "a network of one's own, without root")


def _io_uring():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(425, 1, None)  # io_uring_setup without parameters: EFAULT where it is available
    error = ctypes.get_errno()
    if error == errno.ENOSYS:
        return Row(
            "io_uring", MISSING, "this kernel has none; no lab needs it yet", "a Linux kernel from 5.1 on"
        )
    if error in (errno.EPERM, errno.EACCES):
        return Row(
            "io_uring",
            LIMITED,
            "the kernel refuses it; no lab needs it yet",
            "sudo sysctl kernel.io_uring_disabled=0; in a container, allow it in the seccomp profile",
        )
    return Row("io_uring", OK, "the kernel offers it; no lab needs it yet")


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
    listed = _output("fc-list", ":lang=zh", "family")
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
