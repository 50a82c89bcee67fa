"""Processes that can't be left behind: each command has a session of its own, and a parent watches over the guide."""

import codecs
import ctypes
import errno
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time

# No commands of a handout should page, colour or find the make that started the guide.
_QUIET = {"TERM": "dumb", "NO_COLOR": "1", "PAGER": "cat", "GIT_PAGER": "cat", "PYTHONUNBUFFERED": "1"}
_FOREIGN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "BASH_ENV", "COLUMNS", "LINES")

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|[\x00-\x08\x0b-\x1f\x7f]"
)

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def _begin_as_a_command():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # They are ignored in the guide, and an ignored signal is inherited.
    for number in (signal.SIGTSTP, signal.SIGTTOU):
        signal.signal(number, signal.SIG_DFL)


def environment(extra):
    """The environment of a command: ours, made quiet, and `extra`."""
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    return {**kept, **_QUIET, **extra}


class Command:
    """A shell script that runs in a session of its own; its output arrives as lines through a pseudo-terminal.

    A pseudo-terminal, not a pipe: a program flushes each line to a terminal, but holds back kilobytes from a pipe, and
    then nothing would be live and no two outputs could be put in order of time.
    """

    def __init__(self, script, directory, extra_environment):
        self.output, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, 78))  # with the guide's gutter in front, 80
        os.set_blocking(self.output, False)
        try:
            self.process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=directory,
                env=environment(extra_environment),
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=terminal,
                start_new_session=True,
                preexec_fn=_begin_as_a_command,
            )
        except BaseException:
            os.close(self.output)
            raise
        finally:
            os.close(terminal)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial = ""
        self.open = True

    def read_lines(self):
        """The lines that are there now, without waiting; `open` turns false when no process can write any more."""
        try:
            data = os.read(self.output, 65536)
        except BlockingIOError:
            return []
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: every process has closed the terminal
                raise
            data = b""
        if not data:
            self.open = False
            last, self._partial = self._partial + self._decoder.decode(b"", True), ""
            return [_printable(last)] if last else []
        *lines, self._partial = (self._partial + self._decoder.decode(data)).split("\n")
        return [_printable(line) for line in lines]

    def exit_status(self):
        """As a shell gives it (128 + n for signal n), or None while it runs."""
        status = self.process.poll()
        return status if status is None or status >= 0 else 128 - status

    def wait(self, seconds):
        """The exit status as soon as there is one, or None after `seconds`."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        return self.exit_status()

    def send(self, number):
        """Sends a signal to every process of the command's group, if one is left."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def stop(self, patience=2.0):
        """Asks the group to end, insists after `patience` seconds, and closes the terminal."""
        deadline = time.monotonic() + patience
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
            while self.process.poll() is None and time.monotonic() < deadline:
                self.read_lines()  # one that says farewell must not block on a full terminal
                time.sleep(0.01)
        self.send(signal.SIGKILL)
        self.process.wait()
        os.close(self.output)

    def main_pid(self):
        """The process that does the work: bash's child where bash only waits for one, else the shell's own number."""
        pid = self.process.pid
        while os.path.basename(_link(f"/proc/{pid}/exe")).startswith("bash"):
            children = children_of(pid)
            if len(children) != 1:
                break
            pid = children[0]
        return pid


def _printable(line):
    """Text that can't move the reader's cursor; of a line that rewrites itself, what it shows last."""
    return _CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).expandtabs()


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def children_of(pid):
    """The processes whose parent is `pid`."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue  # it ended while we looked
        if parent == pid:
            found.append(int(entry))
    return found


def supervise(work):
    """Runs `work()` in a child and returns its exit status; then ends every process that is left below us.

    However the guide ends (even by SIGKILL), what it started is re-parented to this process, the subreaper, and killed;
    a daemon that left its group and session is found too. The terminal gets the modes back that it had.
    """
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    at_terminal = os.isatty(0)
    if at_terminal and os.tcgetpgrp(0) != os.getpgrp():
        print(
            "guide: this is a background job, and keys go to the shell: start it in front (fg)",
            file=sys.stderr,
        )
        return 2
    modes = termios.tcgetattr(0) if at_terminal else None
    if at_terminal:
        # Who gives the terminal away, or takes it, would be stopped.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    passed_on = (signal.SIGTERM, signal.SIGHUP)
    every = (*passed_on, signal.SIGINT, signal.SIGQUIT)
    signal.pthread_sigmask(signal.SIG_BLOCK, every)  # none may arrive before we know the child
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        if at_terminal:
            _take_terminal()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, every)
        return work()
    # What a Ctrl-C means is decided in the guide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    for number in passed_on:
        signal.signal(number, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, every)
    ended = None
    while ended != child:  # any other is an orphan that fell to us
        ended, status = os.waitpid(-1, 0)
    for number in passed_on:
        signal.signal(number, signal.SIG_IGN)
    kill_descendants()
    if modes:
        try:
            os.tcsetpgrp(0, os.getpgrp())
            termios.tcsetattr(0, termios.TCSADRAIN, modes)
        except (OSError, termios.error):
            pass  # the terminal has hung up
    status = os.waitstatus_to_exitcode(status)
    os._exit(status if status >= 0 else 128 - status)


def _take_terminal():
    """Makes this process the terminal's foreground group: a Ctrl-C that ends a command is no reason for make to fail."""
    os.setpgid(0, 0)
    try:
        os.tcsetpgrp(0, os.getpid())
    except OSError:
        return  # not our terminal: the shell that started us goes on without job control
    # Make would wait for a stopped guide, and the reader for make.
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)


def kill_descendants(patience=5.0):
    """Kills every process below this one. Grandchildren become our children as their parents die (subreaper)."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        for pid in children_of(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)
        except ChildProcessError:
            return
