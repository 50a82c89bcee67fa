"""What the kernel and the machine allow a lab: numbers, rights, cores."""

import ctypes
import errno
import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OK, MISSING, LIMITED = "ok", "missing", "limited"


@dataclass(frozen=True)
class Row:
    """One finding: the state, what it means in plain words, and how to better it."""

    what: str
    state: str
    meaning: str
    cure: str = ""
    essential: bool = False


def output(*command):
    """What the command prints on stdout; None where it fails or is missing."""
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


def descriptors():
    """How many files and sockets a process may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _number_in("/proc/sys/fs/nr_open") or 0
    shown = "no limit" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    meaning = f"a process may hold {soft:,} open files and sockets, and may raise that to {shown}"
    if hard != resource.RLIM_INFINITY and hard < 20_000:
        cure = f"ulimit -n as root, or nofile in /etc/security/limits.conf (at most {most:,})"
        return Row("descriptors", LIMITED, meaning + "; the large connection counts stop there", cure)
    return Row("descriptors", OK, meaning)


def threads():
    """How many threads there may be, and which bound is met first."""
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


def cores():
    """Whether server and load generator each get a core."""
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return Row(
            "cores",
            LIMITED,
            "one core: server and load generator share it, so every measured point is marked invalid",
            "a machine with two cores or more",
        )
    return Row("cores", OK, f"{cores}: server and load generator each get their own")


def namespaces():
    """Whether a program may make a network of its own."""
    if not shutil.which("unshare"):
        return Row(
            "namespaces",
            MISSING,
            "a network of one's own can't be made on this machine",
            "sudo apt install util-linux",
        )
    if output("unshare", "-Urn", "true") is None:
        cure = (
            "sudo sysctl kernel.unprivileged_userns_clone=1 (or, in a container, start it with more rights)"
        )
        return Row("namespaces", LIMITED, "unshare -Urn is refused: a network of one's own needs root", cure)
    return Row("namespaces", OK, "a network of one's own, without root")


def io_uring():
    """Whether the kernel offers the rings of labs 13 and 16."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(425, 1, None)  # io_uring_setup without parameters: EFAULT where it is available
    error = ctypes.get_errno()
    if error == errno.ENOSYS:
        return Row(
            "io_uring",
            MISSING,
            "this kernel has none: what labs 13 and 16 have over io_uring can't run",
            "a Linux kernel from 5.1 on",
        )
    if error in (errno.EPERM, errno.EACCES):
        return Row(
            "io_uring",
            LIMITED,
            "the kernel refuses it: what labs 13 and 16 have over io_uring can't run",
            "sudo sysctl kernel.io_uring_disabled=0; in a container, allow it in the seccomp profile",
        )
    return Row("io_uring", OK, "the kernel offers it to labs 13 and 16")
