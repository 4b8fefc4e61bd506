"""A registry on loopback (Debian's docker-registry), with or without a password, and pushing images into it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from tests.fakes.ports import free_port

from podwright.containerd.oci_image import Image, layout_files

USER, PASSWORD = "tenant", "right-password"
# bcrypt of PASSWORD: the registry takes no other hash
_HTPASSWD = f"{USER}:$2b$04$abcdefghijklmnopqrstuuS80hwFD6gSIL20SCUGvmL7S939BjOHW\n"


class Registry:
    """`address` is host:port; `requests` are the lines of its access log."""

    def __init__(self, address: str, folder: Path, headers: Mapping[str, str]) -> None:
        self.address = address
        self._folder = folder
        self._headers = headers
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Serve what the folder has; returns when it answers."""
        with (self._folder / "registry.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                "docker-registry", "serve", str(self._folder / "config.yml"), stdout=log, stderr=log
            )
        async with asyncio.timeout(10), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://{self.address}/v2/", headers=self._headers) as answer:
                        answer.raise_for_status()
                    break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """End it without a word to those it serves. Safe to repeat."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()

    @property
    def requests(self) -> str:
        return (self._folder / "registry.log").read_text()

    async def push(self, name: str, image: Image | Sequence[Image]) -> str:
        """Push an image as `path:tag`; its full name."""
        path, _, tag = name.partition(":")
        files = layout_files({name: image})
        async with aiohttp.ClientSession(f"http://{self.address}", headers=self._headers) as session:
            for file, content in files.items():
                if file.startswith("blobs/"):
                    digest = file.removeprefix("blobs/").replace("/", ":")
                    async with session.post(f"/v2/{path}/blobs/uploads/") as answer:
                        answer.raise_for_status()
                        where = answer.headers["Location"]
                    async with session.put(where, params={"digest": digest}, data=io.BytesIO(content)) as answer:
                        answer.raise_for_status()
            top = json.loads(files["index.json"])["manifests"][0]
            inner = _manifests(files, top)
            for reference, descriptor in [*((one["digest"], one) for one in inner), (tag, top)]:
                content = files["blobs/" + descriptor["digest"].replace(":", "/")]
                headers = {"Content-Type": descriptor["mediaType"]}
                async with session.put(f"/v2/{path}/manifests/{reference}", data=content, headers=headers) as answer:
                    answer.raise_for_status()
        return f"{self.address}/{name}"


def _manifests(files: Mapping[str, bytes], descriptor: Mapping[str, str]) -> list[dict[str, str]]:
    document = json.loads(files["blobs/" + descriptor["digest"].replace(":", "/")])
    return document.get("manifests") or []


@asynccontextmanager
async def registry(folder: Path, *, password: bool = False) -> AsyncIterator[Registry]:
    """A registry that stores below `folder`, until the block ends."""
    folder.mkdir(parents=True)
    address = f"127.0.0.1:{free_port()}"
    config = {
        "version": 0.1,
        "log": {"accesslog": {"disabled": False}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address, "secret": "x"},
    }
    if password:
        (folder / "htpasswd").write_text(_HTPASSWD)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(config))
    headers = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)} if password else {}
    served = Registry(address, folder, headers)
    try:
        await served.start()
        yield served
    finally:
        await served.kill()
