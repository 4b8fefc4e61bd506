"""Images from files into the managed runtime: OCI layouts and archives, docker-archives, also compressed.

Called for the sandbox image, by `podwright image import` and for the folder of preloaded images. The archive is passed
on while it is read; only its index is rewritten, so that every image gets the full name under which CRI looks for it.
Pages: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from podwright.containerd.layout import Layout
from podwright.containerd.oci_image import NAME_ANNOTATION, REF_ANNOTATION
from podwright.containerd.programs import Programs

NAMESPACE: Final = "k8s.io"
_INDEX_LIMIT: Final = 4_000_000
"""bytes of an index.json or manifest.json"""


class ImageImportError(Exception):
    """Not an image archive, or one that can't be used; the text says why."""


def full_name(name: str) -> str:
    """A name as the runtime stores it: registry, `library/` and `latest` filled in."""
    path, at, digest = name.partition("@")
    first, slash, rest = path.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        path = f"docker.io/{path}" if slash else f"docker.io/library/{path}"
    elif first in ("docker.io", "index.docker.io"):
        path = f"docker.io/{rest if '/' in rest else f'library/{rest}'}"
    if ":" not in path.rpartition("/")[2] and not digest:
        path += ":latest"
    return f"{path}{at}{digest}"


def name_oci_index(index: dict[str, Any], name: str | None) -> tuple[dict[str, Any], list[str]]:
    """The index with a full name on each image, and these names. `name` replaces what the archive says.

    Raises ImageImportError when an image has no name, or several would get the same one.
    """
    manifests = index.get("manifests")
    if not isinstance(manifests, list) or not manifests:
        raise ImageImportError("index.json lists no image")
    if name and len({entry.get("digest") for entry in manifests}) > 1:
        raise ImageImportError(f"the archive holds {len(manifests)} images: they can't all be named {name}")
    named, names = [], []
    for entry in manifests:
        annotations = dict(entry.get("annotations") or {})
        written = name or annotations.get(NAME_ANNOTATION) or annotations.get(REF_ANNOTATION) or ""
        # a bare tag in ref.name ("1.0") is no image name: layouts made by skopeo and buildah have it
        if not written or (not name and NAME_ANNOTATION not in annotations and not _looks_like_a_name(written)):
            raise ImageImportError("an image in the archive has no name: give one")
        annotations[NAME_ANNOTATION] = full_name(written)
        named.append({**entry, "annotations": annotations})
        names.append(annotations[NAME_ANNOTATION])
    return {**index, "manifests": named}, list(dict.fromkeys(names))


def name_docker_manifest(manifest: list[dict[str, Any]], name: str | None) -> tuple[list[dict[str, Any]], list[str]]:
    """The same for a docker-archive's manifest.json. Raises ImageImportError."""
    if not manifest:
        raise ImageImportError("manifest.json lists no image")
    if name and len(manifest) > 1:
        raise ImageImportError(f"the archive holds {len(manifest)} images: they can't all be named {name}")
    named, names = [], []
    for entry in manifest:
        tags = [name] if name else entry.get("RepoTags") or []
        if not tags:
            raise ImageImportError("an image in the archive has no name: give one")
        full = [full_name(tag) for tag in tags]
        named.append({**entry, "RepoTags": full})
        names += full
    return named, list(dict.fromkeys(names))


def _looks_like_a_name(text: str) -> bool:
    return ":" in text or "/" in text


class Importer:
    """Puts images into one managed containerd, through its `ctr`."""

    def __init__(self, layout: Layout, programs: Programs, snapshotter: str) -> None:
        self._layout = layout
        self._programs = programs
        self._snapshotter = snapshotter

    async def import_image(self, source: Path | BinaryIO | bytes, name: str | None = None) -> Sequence[str]:
        """Import every image of an archive (or layout folder) and return their full names.

        `name` is given to the archive's only image. Raises ImageImportError, OSError.
        """
        read_end, write_end = os.pipe()
        process = await asyncio.create_subprocess_exec(
            self._programs.ctr,
            "--namespace",
            NAMESPACE,
            "--address",
            self._layout.socket,
            "images",
            "import",
            "--snapshotter",
            self._snapshotter,
            "-",
            stdin=read_end,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        os.close(read_end)
        feed = asyncio.ensure_future(asyncio.to_thread(_feed, source, name, write_end))
        try:
            _, stderr = await process.communicate()
            names = await feed
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # the feeding thread then gets a broken pipe and ends
            await process.wait()
            await asyncio.gather(feed, return_exceptions=True)
            raise
        if process.returncode:
            text = os.fsdecode(stderr).strip().removeprefix("ctr: ")
            raise ImageImportError(text or f"ctr ended with {process.returncode}")
        return names


def _feed(source: Path | BinaryIO | bytes, name: str | None, descriptor: int) -> list[str]:
    names: list[str] = []
    # when ctr gives up early its own message is the one to show
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb", buffering=1024 * 1024) as out:
        if isinstance(source, bytes):
            names = rewrite_archive(_decompressed(io.BytesIO(source)), name, out)
        elif not isinstance(source, Path):
            names = rewrite_archive(_decompressed(source), name, out)
        elif source.is_dir():
            names = _feed_folder(source, name, out)
        else:
            with source.open("rb") as file:
                names = rewrite_archive(_decompressed(file), name, out)
    return names


def _decompressed(file: BinaryIO) -> BinaryIO:
    # a raw stream is wrapped; a file that is buffered already must not be, its wrapper would close it
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, file), 1024 * 1024)
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=buffered))
    return cast(BinaryIO, buffered)


def rewrite_archive(source: BinaryIO, name: str | None, out: BinaryIO) -> list[str]:
    """Copy a tar of images, its index rewritten; returns the names. Raises ImageImportError."""
    oci: list[str] | None = None
    docker: list[str] | None = None
    try:
        with (
            tarfile.open(fileobj=source, mode="r|") as read,
            tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as write,
        ):
            for member in read:
                path = member.name.removeprefix("./")
                content = read.extractfile(member) if member.isreg() else None
                if content is not None and path in ("index.json", "manifest.json"):
                    if member.size > _INDEX_LIMIT:
                        raise ImageImportError(f"{path} has {member.size} bytes")
                    document: Any = json.loads(content.read())
                    if path == "index.json":
                        document, oci = name_oci_index(document, name)
                    else:
                        document, docker = name_docker_manifest(document, name)
                    data = json.dumps(document).encode()
                    member.size = len(data)
                    content = cast(Any, io.BytesIO(data))
                write.addfile(member, content)
    except (tarfile.TarError, json.JSONDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise ImageImportError(f"not an image archive: {error}") from error
    except (AttributeError, TypeError) as error:
        raise ImageImportError("the archive's index has the wrong form") from error
    names = oci if oci is not None else docker
    if names is None:
        raise ImageImportError("not an image archive: it has neither index.json nor manifest.json")
    return names


def _feed_folder(folder: Path, name: str | None, out: BinaryIO) -> list[str]:
    index = folder / "index.json"
    if not index.is_file():
        raise ImageImportError(f"{folder} is no OCI layout: it has no index.json")
    try:
        document, names = name_oci_index(json.loads(index.read_text(encoding="utf-8")), name)
    except json.JSONDecodeError as error:
        raise ImageImportError(f"{index}: {error}") from error
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder).as_posix()
            if not path.is_file():
                continue
            if relative == "index.json":
                data = json.dumps(document).encode()
                info = tarfile.TarInfo(relative)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                tar.add(path, arcname=relative, recursive=False)
    return names
