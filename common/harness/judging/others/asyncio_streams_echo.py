"""An echo of asyncio's streams, as its documentation teaches it: `asyncio_streams_echo.py PORT`."""

import asyncio
import sys


async def handle_echo(reader, writer):
    """One client: receives and sends until the client ends."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main():
    """Listens on the port of the command line."""
    server = await asyncio.start_server(handle_echo, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()


asyncio.run(main())
