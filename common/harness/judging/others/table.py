"""The servers that others wrote: how each is started, how it tells its version, and why it says no where it does."""

from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

SIGNAL = (
    "It has no handler for SIGTERM, and the signal's default action ends a process (signal(7)). Our contract wants exit"
    " status 0; shells and service managers take an end by SIGTERM for a clean one, and most Unix programs do so."
)
BACKLOG_5 = "It calls listen with a backlog of 5, and the kernel lets one more wait (listen(2), net/sock.h)."
NO_REUSEADDR = (
    "It doesn't set SO_REUSEADDR: its own connections in TIME-WAIT keep the port for a minute (socket(7))."
)
DEADLOCK = (
    "One loop writes to cat and reads from it, and both wait for ever: it in write, until cat takes more, and cat in"
    " write, until it takes some (ncat_posix.c, netexec; strace shows both in write). Two pipes full, and the connection stands still."
)
TCPSERVER_40 = "It serves 40 clients at once (option -c); the others wait in the queue until one leaves."
PYTHON_40 = "ForkingMixIn has at most 40 children (max_children), and waits for one of them to end before it takes more."
NODE_ERROR = (
    "The documentation's example has no listener for the connection's 'error'. An error without a listener is thrown"
    " (events, Error events): one reset ends the program."
)


@dataclass(frozen=True)
class OtherServer:
    """One server. In `command` {port} is the judge's, {here} this folder and {built} the folder of `build`'s output."""

    name: str
    model: str  # how it serves many, in a few words
    package: str  # Debian's package that has it
    command: tuple
    version: tuple  # the command that prints it, on whichever stream and line
    build: tuple = ()  # a command to run first; none: nothing to build
    reasons: dict = field(default_factory=dict)  # behaviour → why its no is one, from its manual or source


OTHER_SERVERS = (
    OtherServer(
        "socat",
        "a process a client, and `cat`",
        "socat",
        ("socat", "TCP-LISTEN:{port},bind=127.0.0.1,fork", "EXEC:/bin/cat"),
        ("socat", "-V"),
        reasons={
            "takes-a-burst": BACKLOG_5 + " Its option backlog= takes another number.",
            "stops-cleanly": "Its handler ends it with 128 + the signal's number, 143, as a shell would say it; our"
            " contract wants 0. Its children go on until their clients leave.",
            "restarts-on-its-port": NO_REUSEADDR + " Its option reuseaddr does.",
        },
    ),
    OtherServer(
        "ncat",
        "a process a client: `cat`",
        "ncat",
        ("ncat", "--listen", "127.0.0.1", "{port}", "--keep-open", "--exec", "/bin/cat"),
        ("ncat", "--version"),
        reasons={
            "slow-reader-gets-everything": DEADLOCK,
            "survives-stop-and-continue": DEADLOCK
            + " In one run of several, some thousand bytes were missing instead; why isn't known.",
            "idle-costs-no-cpu": DEADLOCK + " One of the clients asked here reads late.",
            "half-close-complete": "Its loop ends, and closes the connection, as soon as it reads the client's end, with"
            " cat's answers still in the pipe (ncat_posix.c, netexec).",
            "takes-a-burst": "It calls listen with a backlog of 10.",
            "more-than-1024": "It takes 100 clients at once (--max-conns) and closes the others.",
            "stops-cleanly": SIGNAL,
        },
    ),
    OtherServer(
        "tcpserver",
        "a process a client: `cat`",
        "ucspi-tcp",
        ("tcpserver", "-H", "-R", "-l", "0", "127.0.0.1", "{port}", "cat"),
        ("dpkg-query", "-W", "ucspi-tcp"),
        reasons={
            "serves-many": TCPSERVER_40,
            "more-than-1024": TCPSERVER_40,
            "leaks-nothing": TCPSERVER_40,
            "leaves-no-zombies": TCPSERVER_40,
            "takes-a-burst": "Its backlog is 20 (option -b).",
            "stops-cleanly": "It ends with status 0, but the programs that it started go on until their clients leave.",
        },
    ),
    OtherServer(
        "inetd",
        "a process a client: `cat`",
        "openbsd-inetd",
        (
            "sh",
            "-c",
            'echo "127.0.0.1:{port} stream tcp nowait $(id -un) /bin/cat cat" |'
            " exec inetd -i -R 1000000 /dev/stdin",
        ),
        ("dpkg-query", "-W", "openbsd-inetd"),
        reasons={
            "takes-a-burst": "Its backlog is 128 (option -q).",
            "stops-cleanly": "It ends with status 0, but the programs that it started go on until their clients leave.",
        },
    ),
    OtherServer(
        "python-threads",
        "a thread a client (socketserver)",
        "python3",
        ("python3", "{here}/socketserver_echo.py", "threads", "{port}"),
        ("python3", "--version"),
        reasons={
            "takes-a-burst": BACKLOG_5 + " The class attribute request_queue_size says so.",
            "survives-fd-exhaustion": "serve_forever passes over an accept that failed (_handle_request_noblock), and the"
            " client that still waits makes the selector ready at once again.",
            "stops-cleanly": SIGNAL,
            "restarts-on-its-port": NO_REUSEADDR + " The class attribute allow_reuse_address is False.",
        },
    ),
    OtherServer(
        "python-processes",
        "a process a client (socketserver)",
        "python3",
        ("python3", "{here}/socketserver_echo.py", "processes", "{port}"),
        ("python3", "--version"),
        reasons={
            "serves-many": PYTHON_40,
            "more-than-1024": PYTHON_40,
            "leaks-nothing": PYTHON_40,
            "leaves-no-zombies": PYTHON_40,
            "takes-a-burst": BACKLOG_5 + " The class attribute request_queue_size says so.",
            "stops-cleanly": SIGNAL,
            "restarts-on-its-port": NO_REUSEADDR + " The class attribute allow_reuse_address is False.",
        },
    ),
    OtherServer(
        "python-asyncio",
        "coroutines over epoll (asyncio's streams)",
        "python3",
        ("python3", "{here}/asyncio_streams_echo.py", "{port}"),
        ("python3", "--version"),
        reasons={
            "takes-a-burst": "start_server's backlog is 100 unless told otherwise.",
            "survives-fd-exhaustion": "After a failed accept it means to wait for a second, but the loop around accept goes"
            " on: backlog times for each try, with a line of log each (selector_events.py, _accept_connection).",
            "stops-cleanly": SIGNAL,
        },
    ),
    OtherServer(
        "go",
        "goroutines over epoll (net)",
        "golang-go",
        ("{built}/go_echo", "{port}"),
        ("go", "version"),
        build=("go", "build", "-o", "{built}/go_echo", "{here}/go_echo.go"),
        reasons={
            "survives-fd-exhaustion": "The documentation's example ends the program when Accept fails (log.Fatal).",
            "leaks-nothing": "The runtime starts another thread now and then, with 72 MiB of addresses each (a stack and an"
            " arena of malloc's), and keeps pipes for splice(2) (strace). It is no leak: over 30,000 clients all of it stays"
            " at 6 threads and 8 MB resident.",
            "stops-cleanly": SIGNAL,
        },
    ),
    OtherServer(
        "node",
        "callbacks over epoll (net)",
        "nodejs",
        ("node", "{here}/node_echo.js", "{port}"),
        ("node", "--version"),
        reasons={
            "slow-reader-stops-no-one": NODE_ERROR,
            "slow-reader-memory-bounded": NODE_ERROR,
            "flood-stops-no-one": NODE_ERROR,
            "survives-resets": NODE_ERROR,
            "idle-costs-no-cpu": NODE_ERROR,
            "leaks-nothing": NODE_ERROR,
            "stops-cleanly": SIGNAL,
        },
    ),
    OtherServer(
        "perl",
        "a process a client (perlipc)",
        "perl",
        ("perl", "{here}/perl_echo.pl", "{port}"),
        ("perl", "-e", "print $^V"),
        reasons={
            "stops-cleanly": SIGNAL,
        },
    ),
    OtherServer(
        "ruby",
        "a thread a client (Socket)",
        "ruby",
        ("ruby", "{here}/ruby_echo.rb", "{port}"),
        ("ruby", "--version"),
        reasons={
            "survives-fd-exhaustion": "accept raises Errno::EMFILE, nothing in tcp_server_loop rescues it, and the program"
            " ends.",
            "stops-cleanly": SIGNAL,
        },
    ),
    OtherServer(
        "erlang",
        "an Erlang process a client (gen_tcp)",
        "erlang-base",
        ("escript", "{here}/erlang_echo.escript", "{port}"),
        ("dpkg-query", "-W", "erlang-base"),
        reasons={
            "takes-a-burst": BACKLOG_5 + " gen_tcp's option backlog says so unless told otherwise.",
            "survives-fd-exhaustion": "accept returns {error, emfile}, which doesn't match {ok, Socket}: the program ends.",
            "idle-costs-no-cpu": "Asked alone it wants 0.2 % of a core, in five of five runs; beside the other questions it"
            " was 27 % in one run of ten. Why isn't known: the bound may be too near for a virtual machine just started.",
            "stops-cleanly": "SIGTERM ends it with status 0; SIGINT ends it by the signal, where our contract wants 0 too.",
        },
    ),
    OtherServer(
        "tcl",
        "callbacks over select (fcopy)",
        "tcl",
        ("tclsh", "{here}/tcl_echo.tcl", "{port}"),
        ("sh", "-c", "echo 'puts $tcl_patchLevel' | tclsh"),
        reasons={
            "survives-fd-exhaustion": "It passes over an accept that failed (tclUnixSock.c, TcpAccept), and select finds the"
            " listener ready at once again.",
            "more-than-1024": "Its event loop is a select, whose sets end at descriptor 1023: lab 07's wall. glibc ends it.",
            "stops-cleanly": SIGNAL,
        },
    ),
    OtherServer(
        "java",
        "a thread a client (ServerSocket)",
        "default-jdk",
        ("java", "-cp", "{built}", "JavaEcho", "{port}"),
        ("java", "-version"),
        build=("javac", "-d", "{built}", "{here}/JavaEcho.java"),
        reasons={
            "takes-a-burst": "ServerSocket's backlog is 50 unless told otherwise.",
            "survives-fd-exhaustion": "accept throws, and the loop of the example ends: who is connected is served on, nobody"
            " new is.",
            "leaks-nothing": "Its heap grows until the collector thinks it worth while. It is no leak: over 30,000 clients it"
            " stays at 54 MB resident.",
            "stops-cleanly": "The virtual machine runs its hooks and ends with 128 + the signal's number, 143, as a shell would"
            " say it; our contract wants 0.",
        },
    ),
)
