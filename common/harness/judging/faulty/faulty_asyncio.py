"""An echo server with asyncio that is right but for one fault, chosen by --fault.

Run:       build/bin/harness check -- python3 -m common.harness.judging.faulty.faulty_asyncio --port {port} --fault never-drains
Look for:  a no where faults.csv says so, and yes everywhere else.
"""

import asyncio
import contextlib
import signal
import socket

from common.harness.judging.faulty.options import faulty_options


class StreamServer:
    """The right server: a task for each client."""

    host = "127.0.0.1"

    def __init__(self):
        self.clients = 0

    async def converse(self, reader, writer):
        self.clients += 1
        with contextlib.suppress(ConnectionError):  # reset by the client
            await self.echo(reader, writer)
        await self.end(writer)
        self.clients -= 1

    async def echo(self, reader, writer):
        while data := await self.read(reader):
            await self.write(writer, data)

    async def read(self, reader):
        return await reader.read(16 * 1024)

    async def write(self, writer, data):
        writer.write(data)
        await writer.drain()

    async def end(self, writer):
        writer.close()

    async def start(self, listener):
        return await asyncio.start_server(self.converse, sock=listener, backlog=1)

    async def run(self, port):
        listener = socket.create_server((self.host, port))
        server = await self.start(listener)
        # To asyncio the backlog is also how often it calls accept in one turn, without descriptors too.
        listener.listen(socket.SOMAXCONN)
        told_to_end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
        print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        async with server:
            await told_to_end.wait()


class NeverDrains(StreamServer):
    """Stands for write without drain: the transport queues without a bound."""

    async def write(self, writer, data):
        writer.write(data)
        await asyncio.sleep(0)


class LoopsAtTheEnd(StreamServer):
    """Stands for `while True: data = await reader.read()` that goes on at the empty bytes of the end."""

    async def read(self, reader):
        while not (data := await super().read(reader)):
            await asyncio.sleep(0)
        return data


class RunsOutOfTime(StreamServer):
    """Stands for wait_for() around drain(): a client that reads late is cut off in the middle of its bytes."""

    async def write(self, writer, data):
        writer.write(data)
        try:
            await asyncio.wait_for(writer.drain(), 0.05)
        except asyncio.TimeoutError:
            writer.transport.abort()


class KeepsItsTasks(StreamServer):
    """Stands for a list of tasks that nobody clears: each holds its client's reader, writer and last bytes."""

    def __init__(self):
        super().__init__()
        self.left = []

    async def converse(self, reader, writer):
        self.left.append((asyncio.current_task(), reader, writer, bytearray(4096)))
        await super().converse(reader, writer)


class PausesForEver(StreamServer):
    """Stands for a protocol that pauses reading when its queue is full and has no resume_writing."""

    async def start(self, listener):
        return await asyncio.get_running_loop().create_server(PausingProtocol, sock=listener, backlog=1)


class PausingProtocol(asyncio.Protocol):
    """The protocol of PausesForEver."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()


SERVERS = {
    "none": StreamServer,
    "keeps-its-tasks": KeepsItsTasks,
    "loops-at-the-end": LoopsAtTheEnd,
    "never-drains": NeverDrains,
    "pauses-for-ever": PausesForEver,
    "runs-out-of-time": RunsOutOfTime,
}

if __name__ == "__main__":
    chosen = faulty_options("An echo server with asyncio, with one fault or none.", SERVERS).parse_args()
    asyncio.run(SERVERS[chosen.fault]().run(chosen.port))
