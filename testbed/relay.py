"""The one thing of a cluster that the host's network sees: 127.0.0.1:PORT, connected to the API server in the fabric.

Run as a program: relay.py PORT NAMESPACE HOST PORT. A socket belongs to the namespace it was made in. So it listens
first and changes its namespace then: every connection it makes afterwards is made in there.
"""

import asyncio
import ctypes
import os
import socket
import sys
from functools import partial
from pathlib import Path

CLONE_NEWNET = 0x40000000


def enter(namespace: Path) -> None:
    handle = os.open(namespace, os.O_RDONLY)  # os.setns came with Python 3.12
    if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"could not enter {namespace}")
    os.close(handle)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def serve(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await asyncio.open_connection(host, port)
    except OSError:  # the API server is not there yet: the client is to see a closed connection
        writer.transport.abort()
        return
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
    writer.close()
    far_writer.close()


async def main(port: str, namespace: str, host: str, far_port: str) -> None:
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=128)
    enter(Path(namespace))
    server = await asyncio.start_server(partial(serve, host, int(far_port)), sock=listener)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
