"""A TCP proxy that misbehaves on demand, to put between a client and its server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Literal, Self, TypeAlias

# pass       hand on
# blackhole  keep connections open and hand on nothing, either way, until the mode changes
# refuse     reset every new connection
# cut_down   reset a connection when its server says something: what the client sent before has arrived
# cut_up     reset a connection when its client says something: the server does not see that
Mode: TypeAlias = Literal["pass", "blackhole", "refuse", "cut_down", "cut_up"]


class Proxy:
    """Listens on `port` from construction on. Set `mode`, `delay` and `chunk` at any time, also while traffic flows.

    Heartbeats are traffic too: they trigger a cut as well as a confirm does.
    """

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self.mode: Mode = "pass"
        self.delay = 0.0
        """Seconds to wait for each read, not for each message."""
        self.chunk = 65536
        """Bytes read at once; 1 dribbles."""
        self.accepted = 0
        """Connections so far, refused ones included."""
        self.port = 0
        self._target = (target_host, target_port)
        self._open: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="proxy", daemon=True)
        self._thread.start()
        self._ready.wait()

    def cut(self) -> None:
        """Reset every connection there is now, whatever the mode."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        self._abort_all()

    def _abort_all(self) -> None:
        for writer in self._open:
            _reset(writer)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.mode == "refuse":
            _reset(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        ends = {writer, server_writer}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, server_writer, cut="cut_up"))
                both.create_task(self._pump(server_reader, writer, cut="cut_down"))
        except* OSError:  # one end is gone, so the other goes as rudely
            for end in ends:
                _reset(end)
        finally:
            self._open -= ends
            for end in ends:
                end.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, cut: Mode) -> None:
        """Until the source ends, which the sink is told; the other direction may go on."""
        while data := await source.read(self.chunk):
            while self.mode == "blackhole":
                await asyncio.sleep(0.02)
            if self.mode == cut:
                raise ConnectionResetError
            await asyncio.sleep(self.delay)
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: not even what is buffered arrives."""
    with contextlib.suppress(OSError):  # closed already
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
