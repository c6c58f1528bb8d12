"""Clients of a server: connections that wait for each answer, and requests at a fixed rate."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.gateway_servers import HOST, Server

_DEADLINE = 60.0


@dataclass
class Answers:
    """What was answered.

    Attributes:
        seconds: how long the requests were sent.
        times: seconds until each answer was complete, by status; status 0 for none.
        delays: seconds by which each request was sent too late, if there was a time for it.
        count: of all answers.
    """

    seconds: float = 0.0
    times: dict[int, list[float]] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    count: int = 0

    def add(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self.times.setdefault(status, []).append(seconds)
        self.count += 1

    def late(self, share: float) -> float:
        """Return the seconds by which at most this share of the requests was sent too late."""
        found = sorted(self.delays)
        return found[min(len(found) - 1, int(share * len(found)))] if found else 0.0

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.rates(200)

    def rates(self, status: int) -> float:
        """Return how many answers of a status there were in a second."""
        return len(self.times.get(status, ())) / self.seconds

    @property
    def counts(self) -> dict[int, int]:
        """How many answers there were, by status."""
        return {status: len(found) for status, found in sorted(self.times.items())}

    def quantile(self, share: float, status: int = 200) -> float:
        """Return the seconds within which this share of the answers of a status came; 0 if there are none."""
        found = sorted(self.times.get(status, ()))
        return found[min(len(found) - 1, int(share * len(found)))] if found else 0.0

    def median(self, status: int = 200) -> float:
        """Return the median of the seconds until an answer; 0 if there are none."""
        return median(self.times.get(status, (0.0,)))


def hold(server: Server, paths: Sequence[str], connections: int, seconds: float, headers: str = "") -> Answers:
    """Keep connections busy: each sends its next request when the last one was answered.

    Args:
        server: to ask.
        paths: in this order, again and again.
        connections: how many.
        seconds: how long.
        headers: more header lines of each request.
    """
    return asyncio.run(_hold(server, paths, connections, seconds, headers))


def hold_until(
    server: Server, requests: Iterator[tuple[str, str]], connections: int, count: int, answers: Answers
) -> None:
    """Keep connections busy until so many requests are answered; may be called again.

    Args:
        server: to ask.
        requests: paths, and more header lines.
        connections: how many.
        count: of requests.
        answers: get the answers, while they come.
    """
    asyncio.run(_hold_until(server, itertools.islice(requests, count), connections, answers))


def send(server: Server, paths: Sequence[str], rate: float, seconds: float, answers: Answers) -> None:
    """Send requests at a fixed rate, each on a connection of its own, also if those before are not answered.

    Times are from the moment at which a request was to be sent.
    """
    asyncio.run(_send(server, paths, rate, seconds, answers))


async def _hold(server: Server, paths: Sequence[str], connections: int, seconds: float, headers: str) -> Answers:
    answers = Answers()
    started = time.perf_counter()
    end = started + seconds
    requests = itertools.takewhile(
        lambda _: time.perf_counter() < end, (_encode(path, headers) for path in itertools.cycle(paths))
    )
    await asyncio.gather(*(_keep_busy(server, requests, answers) for _ in range(connections)))
    answers.seconds = time.perf_counter() - started
    return answers


async def _hold_until(server: Server, requests: Iterator[tuple[str, str]], connections: int, answers: Answers) -> None:
    started = time.perf_counter()
    encoded = (_encode(path, headers) for path, headers in requests)
    await asyncio.gather(*(_keep_busy(server, encoded, answers) for _ in range(connections)))
    answers.seconds += time.perf_counter() - started


def _encode(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n".encode()


async def _keep_busy(server: Server, requests: Iterator[bytes], answers: Answers) -> None:
    reader, writer = await asyncio.open_connection(HOST, server.port)
    for request in requests:
        started = time.perf_counter()
        writer.write(request)
        answers.add(await _read_answer(reader), time.perf_counter() - started)
    writer.close()


async def _send(server: Server, paths: Sequence[str], rate: float, seconds: float, answers: Answers) -> None:
    endless = itertools.cycle(paths)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(_ask_once(server, next(endless), answers, due))
        answers.seconds = time.perf_counter() - started


async def _ask_once(server: Server, path: str, answers: Answers, due: float) -> None:
    answers.delays.append(time.perf_counter() - due)
    status = 0
    try:
        async with asyncio.timeout(_DEADLINE):
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            status = await _read_answer(reader)
            writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        status = 0
    answers.add(status, time.perf_counter() - due)


async def _read_answer(reader: asyncio.StreamReader) -> int:
    """Read an answer to its end; return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    if b"content-length:" in head:
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
    elif b"transfer-encoding: chunked" in head:
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return status
