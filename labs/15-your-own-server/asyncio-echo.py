"""asyncio-echo: the echo server in Python, a coroutine for each connection over asyncio's event loop.

Run:       python3 labs/15-your-own-server/asyncio-echo.py --port 9000
           build/bin/harness check -- python3 labs/15-your-own-server/asyncio-echo.py --port 0
Look for:  `await writer.drain()`. Take it out: the server still echoes, and one client that never reads fills its memory.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys


async def echo(connection):
    reader, writer = await asyncio.open_connection(sock=connection)  # sets TCP_NODELAY
    try:
        while data := await reader.read(16 * 1024):
            writer.write(data)  # never waits: what the socket doesn't take, asyncio keeps in memory
            await writer.drain()  # so wait until that is little again, and read nothing meanwhile
    except ConnectionError:
        pass  # this client is gone, and that is its own affair
    finally:
        writer.close()


async def serve(listener):
    loop = asyncio.get_running_loop()
    conversations = set()  # asyncio itself holds a task only weakly
    while True:
        try:
            connection, _ = await loop.sock_accept(listener)
        except OSError as error:  # such as out of descriptors: it would fail again at once
            print(f"asyncio-echo: accept: {error.strerror}", file=sys.stderr)
            await asyncio.sleep(0.02)
            continue
        conversation = loop.create_task(echo(connection))
        conversations.add(conversation)
        conversation.add_done_callback(conversations.discard)


def main():
    parser = argparse.ArgumentParser(description="An echo server with asyncio.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="0: a free one (%(default)s)")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    try:
        listener = socket.create_server((options.host, options.port), backlog=socket.SOMAXCONN)
    except OSError as error:
        sys.exit(f"asyncio-echo: {error.strerror}")
    listener.setblocking(False)
    print("listening on {}:{}".format(*listener.getsockname()), flush=True)
    asyncio.run(serve(listener))


if __name__ == "__main__":
    main()
