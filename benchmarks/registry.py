"""A registry on loopback (Debian's docker-registry) behind a proxy that is as slow as a distant one.

The proxy gives every connection the same small bandwidth, as registries on the internet do, and counts nothing
together: what is pulled side by side should take no longer than the slowest of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from benchmarks.node import free_port
from podwright.containerd.oci_image import Image, layout_files

_CHUNK = 16 * 1024


@asynccontextmanager
async def slow_registry(folder: Path, bytes_per_second: int) -> AsyncIterator[tuple[str, str]]:
    """The addresses (host:port) to push to and to pull slowly from, until the block ends."""
    fast = f"127.0.0.1:{free_port()}"
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": fast, "secret": "x"},
    }
    (folder / "config.yml").write_text(json.dumps(config), encoding="utf-8")
    with (folder / "registry.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "docker-registry", "serve", str(folder / "config.yml"), stdout=log, stderr=log
        )
    proxy = _Proxy(fast, bytes_per_second)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        await _answering(fast)
        yield fast, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await proxy.close()
        process.terminate()
        await process.wait()


async def _answering(address: str) -> None:
    async with asyncio.timeout(10), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://{address}/v2/") as answer:
                    answer.raise_for_status()
                return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)


class _Proxy:
    """Bytes both ways; those towards the client not faster than `bytes_per_second` on each connection."""

    def __init__(self, upstream: str, bytes_per_second: int) -> None:
        self._host, _, port = upstream.partition(":")
        self._port = int(port)
        self._pause = _CHUNK / bytes_per_second
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            behind, to_behind = await asyncio.open_connection(self._host, self._port)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._copy(reader, to_behind, 0))
                    group.create_task(self._copy(behind, writer, self._pause))
            finally:
                to_behind.close()
        except* (OSError, asyncio.CancelledError):
            pass  # the client has gone, or the benchmark has ended
        finally:
            writer.close()
            self._serving.discard(task)

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, pause: float) -> None:
        clock = asyncio.get_running_loop().time
        free_at = clock()
        while data := await source.read(_CHUNK):
            if pause:
                free_at = max(free_at, clock()) + pause * len(data) / _CHUNK
                await asyncio.sleep(free_at - clock())
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

    async def close(self) -> None:
        """End every connection."""
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def push(address: str, path: str, image: Image) -> None:
    """Push an image as `path:1`."""
    files = layout_files({f"{path}:1": image})
    async with aiohttp.ClientSession(f"http://{address}") as session:
        for file, content in files.items():
            if file.startswith("blobs/"):
                async with session.post(f"/v2/{path}/blobs/uploads/") as answer:
                    answer.raise_for_status()
                    where = answer.headers["Location"]
                digest = file.removeprefix("blobs/").replace("/", ":")
                async with session.put(where, params={"digest": digest}, data=content) as answer:
                    answer.raise_for_status()
        top = json.loads(files["index.json"])["manifests"][0]
        body = files["blobs/" + top["digest"].replace(":", "/")]
        headers = {"Content-Type": top["mediaType"]}
        async with session.put(f"/v2/{path}/manifests/1", data=body, headers=headers) as answer:
            answer.raise_for_status()
