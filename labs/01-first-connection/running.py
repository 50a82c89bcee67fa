"""The two programs of this lab while a test runs them, and the ends of connections that the tests hold themselves."""

import array
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import termios
from pathlib import Path

from common.testing import conversation
from common.testing.processes import BIN, Family, Server, run, start, wait_until

FIRST_SERVER, FIRST_CLIENT = BIN / "first-server", BIN / "first-client"
BEYOND_ALL_BUFFERS = 32 << 20
SECONDS = 20  # enough for anything that must come, on a busy machine too


class OwnServer:
    """The test itself is the server, for one client. It waits for nothing longer than a few seconds."""

    def __init__(self):
        self.listener = conversation.listen()
        self.listener.settimeout(SECONDS)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(SECONDS)
        return connection


def state(process):
    """The kernel's letter for it: S sleeps, R runs."""
    return re.search(r"\) (\w)", Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8"))[1]


def without_strace():
    """True where system calls can't be delayed or made to fail."""
    return not shutil.which("strace") or run("strace", "-o", "/dev/null", "true").code != 0


class TracedServer(Server):
    """first-server, its trace in a file: nobody has to read it for the server to go on."""

    def __init__(self, *options, **others):
        self.file = tempfile.TemporaryFile()
        super().__init__(FIRST_SERVER, *(options or ("--port", "0")), stderr=self.file, **others)

    def __exit__(self, *_):
        super().__exit__()
        self.file.close()

    def trace(self):
        """The lines so far. Ports of clients vary: they read PORT."""
        written = os.fstat(self.file.fileno()).st_size
        text = os.pread(
            self.file.fileno(), written, 0
        ).decode()  # not read: server and test share one position
        return re.sub(r"(client is \S+):\d+", r"\1:PORT", text).splitlines()

    def reaches(self, *lines):
        """True as soon as these are the last lines of the trace."""
        return wait_until(lambda: self.trace()[-len(lines) :] == list(lines))

    def connect(self):
        return conversation.connect(("127.0.0.1", self.port), SECONDS)


def unread(pipe):
    """How many bytes of a pipe nobody has read yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


class Client:
    """first-client with pipes of bytes, as long as the `with` block."""

    def __init__(self, port, prefix=(), **options):
        self.family = Family()
        pipes = {"stdin": subprocess.PIPE, "text": False, "errors": None, "bufsize": 0}
        self.process = start([*prefix, FIRST_CLIENT, "--port", port], self.family, **{**pipes, **options})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.family.kill()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        self.process.wait()

    def type(self, text):
        self.process.stdin.write(text)

    def end_input(self):
        self.process.stdin.close()

    def has_read_all(self):
        """True as soon as it has read what was typed, and sleeps."""
        return wait_until(lambda: unread(self.process.stdin) == 0 and state(self.process) == "S")

    def ended(self):
        """Exit code and stderr once it has ended, which its open input doesn't make it do. Code None: it goes on."""
        code = wait_until(lambda: self.process.poll() is not None) and self.process.returncode
        return (code, self.process.stderr.read().decode()) if code is not False else (None, "")


def talk(port, text, **options):
    """Runs first-client on this input: exit code, stdout, stderr. Code None: it hangs."""
    with Client(port, **options) as client:
        try:
            out, err = client.process.communicate(text, 60)
        except subprocess.TimeoutExpired:
            return None, b"", ""
        return client.process.returncode, out, err.decode()
