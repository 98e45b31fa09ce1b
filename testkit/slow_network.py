"""A slow network before a server: a relay of TCP connections with a round trip and a bandwidth.

It slows all that the browser does. The browser's own throttling leaves out what its service worker fetches.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Network:
    """Seconds of a round trip, and bytes a second in each direction, shared by all connections."""

    round_trip: float
    bytes_per_second: float


class _Line:
    """One direction: bytes leave one after another at its rate, and arrive half a round trip later."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._free_at = 0.0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: float) -> None:
        """Relay to the end; nothing arrives before `first` in the loop's time."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        delivery = asyncio.create_task(_deliver(under_way, writer))
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                self._free_at = max(self._free_at, loop.time()) + len(data) / self._network.bytes_per_second
                leaves = self._free_at
                await under_way.put((max(first, leaves + self._network.round_trip / 2), data))
                # Bytes that are not read stay with the sender, whose progress is then true.
                await asyncio.sleep(max(0.0, leaves - loop.time()))
        await under_way.put((0.0, b""))
        await delivery


async def _deliver(under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while True:
            at, data = await under_way.get()
            if not data:
                break
            await asyncio.sleep(max(0.0, at - loop.time()))
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(host: str, port: int, network: Network) -> asyncio.Server:
    up, down = _Line(network), _Line(network)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(host, port)
        # The handshake of TCP takes a round trip before the first byte can leave; that of TLS is not simulated.
        first = asyncio.get_running_loop().time() + network.round_trip * 1.5
        # At the end of all, the relay is cancelled.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                up.carry(reader, server_writer, first), down.carry(server_reader, writer, 0.0), return_exceptions=True
            )

    return await asyncio.start_server(relay, "127.0.0.1", 0, limit=CHUNK)


async def _end_all() -> None:
    """End what is still relayed: browsers keep connections open."""
    running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@contextmanager
def slowed(url: str, network: Network) -> Iterator[str]:
    """Yields the address under which the server at `url` is reached through the slow network."""
    target = urlsplit(url)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="slow network", daemon=True)
    thread.start()
    opened = asyncio.run_coroutine_threadsafe(_serve(str(target.hostname), target.port or 80, network), loop)
    listening = opened.result(10)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.get_loop().call_soon_threadsafe(listening.close)
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
