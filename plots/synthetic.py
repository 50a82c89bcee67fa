"""Made-up results for the tests, shaped like those of the harness: the same seed makes the same files."""

import array
import csv
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from plots.records import Run

ENVIRONMENT = {
    "kernel": "6.18.0",
    "cpu": "Example CPU",
    "cores": 2,
    "commit": "0123456789abcdef0123",
    "seed": 7,
    "compiler": "g++ 12",
    "profile": "quick",
    "left_out": ["blocking-loop: one silent client stops it"],
}
CONNECTIONS = (10, 100, 1000, 5000)
SERVERS = ("thread-per-connection", "select", "poll", "epoll")
# Bytes that a connection adds, for thread-per-connection and for all others, and what there is without any.
SLOPES = {
    "virtual_bytes": (8_400_000, 100, 6_000_000),
    "rss_bytes": (8_300, 110, 3_900_000),
    "pss_bytes": (8_300, 110, 1_600_000),
    "page_table_bytes": (4_096, 2, 53_000),
    "kernel_stack_bytes": (16_384, 0, 16_384),
    "socket_bytes": (0, 0, 0),
    "slab_both_ends_bytes": (16_000, 8_600, 90_000),
}


def run_cells(experiment: str, server: str, connections: int, repetition: int, **others) -> dict:
    """The cells of one line of runs.csv; what `others` does not name is plausible or empty."""
    cells: dict[str, Any] = dict.fromkeys(Run._fields, "")
    cells.update(
        experiment=experiment,
        server=server,
        connections=connections,
        active=min(8, connections),
        message_bytes=14,
        loop="closed",
        repetition=repetition,
        duration_s=2,
        valid="yes",
        errors=0,
        work_us=0,
        wait_us=0,
        all_cores="no",
        timeouts=0,
        refused=0,
        corrupt=0,
    )
    cells.update(others)
    return cells


def write_experiment(
    results: Path, experiment: str, lines: list[dict], environment: dict = ENVIRONMENT
) -> Path:
    """Write runs.csv and environment.json of an experiment; returns its folder."""
    folder = results / experiment
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "runs.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, Run._fields)
        table.writeheader()
        table.writerows(lines)
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    return folder


def points(
    experiment: str, measure, servers=SERVERS, connections=CONNECTIONS, repetitions: int = 3
) -> list[dict]:
    """Lines for every server, point and repetition; `measure(server, connections)` gives measured cells."""
    return [
        run_cells(experiment, server, number, repetition, **measure(server, number))
        for repetition in range(1, repetitions + 1)
        for server in servers
        for number in connections
    ]


def write_latency(results: Path) -> Path:
    """Linear cost for select and poll, flat for epoll; one point refused, one invalid, one with timeouts."""
    noise = random.Random(1)

    def measure(server: str, connections: int) -> dict:
        each = {"select": 0.11, "poll": 0.084, "thread-per-connection": 0.0004}.get(server, 0.0002)
        p50 = (38 + 8 * each * connections) * noise.uniform(0.85, 1.2)
        return {"p50_us": f"{p50:.2f}", "p99_us": f"{p50 * noise.uniform(1.8, 3):.2f}"}

    lines = points("latency-vs-connections", measure)
    for line in lines:
        if (line["server"], line["connections"]) == ("select", 5000):
            line.update(p50_us="", p99_us="", refused=3980)
        elif (line["server"], line["connections"]) == ("thread-per-connection", 5000):
            line.update(timeouts=4)
        elif (line["server"], line["connections"]) == ("epoll", 5000):
            line.update(valid="no", invalid_reason="the generator was the bottleneck")
    return write_experiment(results, "latency-vs-connections", lines)


def write_memory(results: Path, spread: float = 0.0) -> Path:
    """Straight lines with the slopes in SLOPES, apart from noise of the share `spread`."""
    noise = random.Random(2)

    def measure(server: str, connections: int) -> dict:
        return {
            column: round(
                (base + (thread if server.startswith("thread") else other) * connections)
                * (1 + spread * noise.uniform(-1, 1))
            )
            for column, (thread, other, base) in SLOPES.items()
        }

    return write_experiment(results, "memory-vs-connections", points("memory-vs-connections", measure))


def write_throughput(results: Path) -> Path:
    """A server of the reader's own beside ours."""
    noise = random.Random(3)
    cpu_us = {"epoll": 8, "poll": 8.2, "select": 9, "thread-per-connection": 13}

    def measure(server: str, connections: int) -> dict:
        scan = connections * 0.01 if server in ("select", "poll") else 0
        cost = (cpu_us.get(server, 31) + scan) * noise.uniform(0.92, 1.1)
        return {"requests_per_s": f"{1e6 / cost:.1f}", "server_cpu_us_per_request": f"{cost:.3f}"}

    lines = points("throughput-vs-connections", measure, (*SERVERS, "python3 echo.py"))
    return write_experiment(results, "throughput-vs-connections", lines)


def write_requests(folder: Path, server: str, requests: Sequence[tuple]) -> str:
    """Write a sample file; returns its path relative to the folder of the experiment."""
    path = folder / "samples" / f"{server}-1.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("client", "sequence", "sent_us", "answered_us"), *requests])
    return str(path.relative_to(folder))


def conversation(server: str, pause_us: float, clients: int = 8, end_us: float = 3e6) -> Sequence[tuple]:
    """What 8 clients see: behind the blocking loop the first request of each waits for client 0, at 2 s."""
    requests = []
    for client in range(clients):
        now, sequence = (2_000_300.0 if client == 0 else 1_000.0 + 500 * client), 0
        while now < end_us:
            answered = now + 60 + 20 * client
            if server == "blocking-loop" and now < 2_000_300:
                answered = 2_000_400.0 + 40 * client
            requests.append((client, sequence, f"{now:.1f}", f"{answered:.1f}"))
            now, sequence = answered + pause_us, sequence + 1
    return requests


def write_head_of_line(results: Path, servers=("blocking-loop", *SERVERS), pause_us: float = 20_000) -> Path:
    """The head-of-line experiment, three repetitions; requests recorded for the first."""
    folder = results / "head-of-line"
    lines = []
    for server in servers:
        path = write_requests(folder, server, conversation(server, pause_us))
        lines += [
            run_cells("head-of-line", server, 8, repetition, duration_s=3, samples_file=path)
            for repetition in (3, 1, 2)
        ]
    return write_experiment(results, "head-of-line", lines, {**ENVIRONMENT, "left_out": []})


# What the harness records of the three scenarios: kind, first byte, bytes, message.
RIBBONS = {
    "sticky": [
        ("message", 0, 14, 1),
        ("message", 14, 14, 2),
        ("sent", 0, 14, ""),
        ("sent", 14, 14, ""),
        ("read", 0, 28, ""),
    ],
    "split": [
        ("message", 0, 40, 1),
        ("message", 40, 40, 2),
        ("sent", 0, 40, ""),
        ("sent", 40, 40, ""),
        *(("read", first, min(24, 80 - first), "") for first in range(0, 80, 24)),
    ],
    "framed": [
        row
        for number in range(3)
        for row in (
            ("header", 18 * number, 4, number + 1),
            ("message", 18 * number + 4, 14, number + 1),
            ("sent", 18 * number, 18, ""),
            ("decoded", 18 * number + 4, 14, number + 1),
        )
    ]
    + [("read", first, min(10, 54 - first), "") for first in range(0, 54, 10)],
}


def write_byte_ribbon(results: Path, ribbons: Mapping[str, Sequence[tuple]] = RIBBONS) -> Path:
    """The byte-ribbon experiment, one repetition of each scenario in `ribbons`."""
    folder = results / "byte-ribbon"
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    lines = []
    for scenario, rows in ribbons.items():
        path = folder / "samples" / f"{scenario}-c1-r1.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("kind", "first_byte", "bytes", "message"), *rows])
        lines.append(
            run_cells(
                "byte-ribbon", scenario, 1, 1, duration_s=0.02, samples_file=str(path.relative_to(folder))
            )
        )
    return write_experiment(results, "byte-ribbon", lines, {**ENVIRONMENT, "left_out": []})


def round_times_ns(scenario: str, rounds: int, seed: int) -> list[int]:
    """Fast rounds throughout; with Nagle's algorithm all but the first two stall."""
    noise = random.Random(seed)
    return [
        round(noise.uniform(43e6, 48e6) if scenario == "nagle" and number >= 2 else noise.uniform(55e3, 90e3))
        for number in range(rounds)
    ]


def write_write_write_read(results: Path, times_ns: Optional[dict[str, list[list[int]]]] = None) -> Path:
    """The write-write-read experiment; `times_ns` gives each scenario's repetitions."""
    if times_ns is None:
        times_ns = {
            scenario: [round_times_ns(scenario, 100, repetition) for repetition in (1, 2)]
            for scenario in ("nodelay", "nagle")
        }
    folder = results / "write-write-read"
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    lines = []
    for scenario, repetitions in times_ns.items():
        for repetition, times in enumerate(repetitions, start=1):
            path = folder / "samples" / f"{scenario}-c1-r{repetition}.u32"
            path.write_bytes(array.array("I", times).tobytes())
            lines.append(
                run_cells(
                    "write-write-read", scenario, 1, repetition, samples_file=str(path.relative_to(folder))
                )
            )
    return write_experiment(results, "write-write-read", lines, {**ENVIRONMENT, "left_out": []})


def transfer_events(
    capacity: int, other_work: int = 0, total: int = 1_000_000, pace: float = 1e6
) -> list[tuple]:
    """A transfer of `total` bytes, as the harness records it. A reader takes `pace` bytes a second; a quarter of what the
    kernel holds is on its side. The writer sends whenever a third of `capacity` is free."""
    events, accepted, waiting, ended = [], 0, False, False
    for time_ns in range(0, round(total / pace * 1e9) + 1, 5_000_000):

        def add(program: str, event: str, value: int) -> None:
            events.append((program, time_ns, event, value))

        read = round(pace * time_ns / 1e9)
        if not ended and accepted - read <= capacity * 2 // 3:
            if waiting:
                add("fast-writer", "blocked_end", accepted)
            accepted = min(total, read + capacity)
            waiting = accepted < total
            add("fast-writer", "blocked_begin" if waiting else "finished", accepted)
        unread = (accepted - read) // 4
        if not ended:
            queued = accepted - read - unread
            for event, value in (
                ("siocoutq", queued),
                ("siocoutqnsd", queued * 9 // 10),
                ("accepted", accepted),
            ):
                add("fast-writer", event, value)
            if not waiting:
                add("fast-writer", "closed", accepted)
                ended = True
        for event, value in (("siocinq", unread), ("read", read)):
            add("slow-reader", event, value)
    return [
        *events,
        ("slow-reader", time_ns, "end_of_stream", total),
        ("fast-writer", time_ns, "other_work", other_work),
    ]


TRANSFERS = {
    "default-buffers": transfer_events(600_000),
    "set-buffers": transfer_events(90_000),
    "writable-events": transfer_events(90_000, other_work=12_345),
}


def write_slow_reader(results: Path, transfers: dict[str, list[tuple]] = TRANSFERS) -> Path:
    """The slow-reader experiment, one repetition of each scenario in `transfers`."""
    folder = results / "slow-reader"
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    lines = []
    for scenario, events in transfers.items():
        path = folder / "samples" / f"{scenario}-c1-r1.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("program", "time_ns", "event", "value"), *events])
        lines.append(
            run_cells(
                "slow-reader",
                scenario,
                1,
                1,
                message_bytes=500,
                requests=2000,
                samples_file=str(path.relative_to(folder)),
            )
        )
    return write_experiment(results, "slow-reader", lines, {**ENVIRONMENT, "left_out": []})


def write_work_per_request(results: Path, servers=("process-per-connection", *SERVERS)) -> Path:
    """Waiting is overlapped 8 times by threads and processes, computing 1.6 times; epoll's requests cost less in themselves."""
    noise = random.Random(4)
    lines = []
    for server in servers:
        own_us, at_once = (16, 8) if server.endswith("per-connection") else (10, 1)
        for all_cores, costs in (("no", (0, 20, 100, 500)), ("yes", (0, 20, 100, 500))):
            for cost in costs:
                work, wait = (cost, 0) if all_cores == "yes" else (0, cost)
                overlapped = 1.6 if all_cores == "yes" and at_once > 1 else at_once
                for repetition in (1, 2):
                    rate = min(1e6 / own_us, 1e6 * overlapped / (own_us + cost)) * noise.uniform(0.98, 1.02)
                    lines.append(
                        run_cells(
                            "work-per-request",
                            server,
                            8,
                            repetition,
                            work_us=work,
                            wait_us=wait,
                            all_cores=all_cores,
                            requests_per_s=f"{rate:.1f}",
                        )
                    )
    return write_experiment(results, "work-per-request", lines)


# System calls a request with 1 and with 20 connections, and context switches.
CALLS: dict[str, tuple[dict, dict, float]] = {
    "thread-per-connection": ({"recvfrom": 1, "sendto": 1}, {"recvfrom": 1, "sendto": 1}, 1.1),
    "nonblocking-loop": (
        {"recvfrom": 4, "sendto": 1, "accept4": 9},
        {"recvfrom": 4, "sendto": 1, "accept4": 0.2},
        0,
    ),
    "epoll": (
        {"recvfrom": 1, "sendto": 1, "epoll_wait": 1},
        {"recvfrom": 1, "sendto": 1, "epoll_wait": 0.06},
        0.1,
    ),
    "python3 echo.py": (
        {"read": 1, "write": 1, "epoll_wait": 1, "futex": 0.5},
        {"read": 1, "write": 1, "epoll_wait": 0.5},
        0.2,
    ),
}


def write_system_calls(results: Path, counted: bool = True) -> Path:
    """One repetition; without `counted` as where strace is missing."""
    folder = results / "system-calls"
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (server, (one, twenty, switches)) in enumerate(CALLS.items()):
        for connections, calls in ((1, one), (20, twenty)):
            line = run_cells(
                "system-calls",
                server,
                connections,
                1,
                requests=10_000,
                server_voluntary_switches=round(9_000 * switches),
                server_involuntary_switches=round(1_000 * switches),
            )
            if counted:
                path = folder / "samples" / f"{number}-c{connections}-r1.csv"
                with open(path, "w", newline="", encoding="utf-8") as file:
                    csv.writer(file).writerows([("call", "per_request"), *calls.items()])
                line.update(
                    server_system_calls_per_request=sum(calls.values()),
                    samples_file=str(path.relative_to(folder)),
                )
            lines.append(line)
    return write_experiment(results, "system-calls", lines, {**ENVIRONMENT, "left_out": []})


def stalled_requests(loop: str) -> list[tuple]:
    """A second in which the server stands still from 0.4 to 0.6 s: intended, sent, answered. Two connections; a request takes
    100 µs. In the open loop the tenth request of all is never answered."""
    halt_us, end_us = 400_000.0, 600_000.0
    requests: list[tuple] = []
    if loop == "closed":
        for client in range(2):
            now = 50.0 * client
            while now < 1e6:
                answered = end_us if halt_us <= now + 100 < end_us else now + 100
                requests.append(("", f"{now:.1f}", f"{answered:.1f}"))
                now = answered
        return sorted(requests, key=lambda request: float(request[2]))
    for number in range(1000):
        intended = 1000.0 * number
        waits = halt_us <= intended < end_us
        # The first two are on their way; the others find no connection free.
        sent = intended if not waits or intended < halt_us + 2000 else end_us + (intended - halt_us) / 100
        answered = sent + 100 if not waits or sent >= end_us else end_us
        requests.append((f"{intended:.1f}", f"{sent:.1f}", "" if number == 9 else f"{answered:.1f}"))
    return requests


def write_stalled_server(results: Path, **cells) -> Path:
    """The stalled-server experiment, one repetition of each loop; `cells` go into the open loop's line."""
    folder = results / "stalled-server"
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    lines = []
    open_loop: dict[str, Any] = {
        "p99_us": 190_000,
        "max_us": 4_000_000,
        "arrivals": "fixed",
        "offered_per_s": 1000,
        "achieved_per_s": 999,
        "lateness_p99_us": 3,
        "uncorrected_p99_us": 100,
        "not_answered": 1,
    }
    closed_loop: dict[str, Any] = {"p99_us": 101, "max_us": 200_000}
    for loop, others in (("closed", closed_loop), ("open", {**open_loop, **cells})):
        path = folder / "samples" / f"{loop}-loop-c2-r1.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("intended_us", "sent_us", "answered_us"), *stalled_requests(loop)])
        lines.append(
            run_cells(
                "stalled-server",
                f"{loop}-loop",
                2,
                1,
                loop=loop,
                duration_s=1,
                samples_file=str(path.relative_to(folder)),
                **others,
            )
        )
    return write_experiment(results, "stalled-server", lines, {**ENVIRONMENT, "left_out": []})


PERCENTS = (10, 50, 90, 120)


def write_latency_vs_rate(results: Path, servers=("blocking-loop", *SERVERS), with_p999: bool = True) -> Path:
    """A queue that grows beyond the capacity; one point invalid, and one whose capacity wasn't found."""
    noise = random.Random(5)
    lines = []
    for repetition in (1, 2):
        for server in servers:
            capacity = (3000 if server.startswith("thread") else 3700) * noise.uniform(0.98, 1.02)
            for percent in PERCENTS:
                p50 = (300 + percent**2 / 20 if percent <= 100 else 80_000) * noise.uniform(0.9, 1.1)
                offered = capacity * percent / 100
                cells = {
                    "capacity_per_s": f"{capacity:.6g}",
                    "arrivals": "poisson",
                    "offered_per_s": f"{offered:.6g}",
                    "achieved_per_s": f"{min(offered, capacity * 0.99):.6g}",
                    "p50_us": f"{p50:.6g}",
                    "p99_us": f"{p50 * 3:.6g}",
                    "p999_us": f"{p50 * 4:.6g}" if with_p999 else "",
                    "not_answered": 3 if (server, percent) == ("select", 120) else 0,
                }
                if (server, percent) == ("poll", 90) and repetition == 1:
                    cells.update(valid="no", invalid_reason="the generator was late: by 30 % of the interval")
                if (server, percent) == ("thread-per-connection", 50):
                    cells = {"valid": "no", "invalid_reason": "its capacity could not be found", "errors": 2}
                lines.append(
                    run_cells(
                        "latency-vs-rate",
                        server,
                        20,
                        repetition,
                        loop="open",
                        work_us=250,
                        capacity_percent=percent,
                        **cells,
                    )
                )
    return write_experiment(results, "latency-vs-rate", lines, {**ENVIRONMENT, "left_out": []})


def chat_events(room: str, listeners: int) -> list[tuple]:
    """A hundred lines in a second, to listeners of whom the last reads nothing before 1.1 s. A line takes a millisecond and 10 µs
    for each listener before; in chat-wait all after the twentieth wait until he reads; in chat-forget listener 1 lacks the fifth.
    """
    reads_us = 1_100_000.0
    events: list[tuple] = [("intended", "", line, f"{10_000.0 * (line - 1):.1f}") for line in range(1, 101)]
    events.append(("silent", listeners, "", f"{reads_us:.1f}"))
    for line in range(1, 101):
        for listener in range(1, listeners + 1):
            time = 10_000.0 * (line - 1) + 1000 + 10 * listener
            if listener == listeners or (room == "chat-wait" and line > 20):
                time = reads_us + 10 * line
            if (room, line, listener) != ("chat-forget", 5, 1) and (listener < listeners or line <= 40):
                events.append(("heard", listener, line, f"{time:.1f}"))
    return events


def write_chat_fan_out(
    results: Path, rooms: Sequence[str] = ("chat-wait", "chat-forget", "chat-drop"), **cells
) -> Path:
    """The chat-fan-out experiment: each room with 10 and 100 listeners, chat-drop with 1,000; `cells` go into all lines."""
    folder = results / "chat-fan-out"
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    lines = []
    for room in rooms:
        for listeners in (10, 100, 1000) if room == "chat-drop" else (10, 100):
            path = folder / "samples" / f"{room}-c{listeners}-r1.csv"
            with open(path, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(
                    [
                        ("event", "listener", "line", "time_us"),
                        *(chat_events(room, listeners) if listeners == 10 else []),
                    ]
                )
            others: dict[str, Any] = {
                "loop": "open",
                "message_bytes": 1000,
                "duration_s": 1,
                "first_us": 1010,
                "median_us": 1000 + 5 * listeners,
                "last_us": 500_000 if room == "chat-wait" else 1000 + 10 * listeners,
                "silent_whole": 40,
                "silent_torn": 2 if room == "chat-forget" else 0,
                "silent_told": 60 if room == "chat-drop" else 0,
                "silent_untold": 58 if room == "chat-forget" else 0,
                "silent_cut_off": 0,
                "growth_bytes": 65_536 if room == "chat-drop" else 0,
                "server_cpu_us_per_request": 4,
                "server_system_calls_per_request": 1 + 2 / listeners if listeners <= 100 else "",
                "samples_file": str(path.relative_to(folder)),
                **cells,
            }
            lines.append(run_cells("chat-fan-out", room, listeners, 1, **others))
    return write_experiment(results, "chat-fan-out", lines, {**ENVIRONMENT, "left_out": []})


def write_all(results: Path) -> None:
    """Every experiment that has a chart."""
    write_byte_ribbon(results)
    write_write_write_read(results)
    write_slow_reader(results)
    write_head_of_line(results)
    write_latency(results)
    write_memory(results, spread=0.02)
    write_throughput(results)
    write_work_per_request(results)
    write_system_calls(results)
    write_stalled_server(results)
    write_latency_vs_rate(results)

    write_chat_fan_out(results)
