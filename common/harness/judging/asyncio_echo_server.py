"""An echo server as one writes it with asyncio: nothing in it knows of this lab.

Run:  python3 common/harness/judging/asyncio_echo_server.py 9000
      build/bin/harness check -- python3 common/harness/judging/asyncio_echo_server.py {port}
"""

import asyncio
import signal
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(16 * 1024):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # reset by the client
    finally:
        writer.close()


async def main(port):
    server = await asyncio.start_server(echo, "127.0.0.1", port)
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    async with server:
        await told_to_end.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
