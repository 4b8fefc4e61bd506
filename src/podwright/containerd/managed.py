"""The managed runtime as a whole: start it or take over the one that runs, keep it running, stop it, remove it.

Built by app.py, which gives the kubelet its endpoint. Ready means that the socket serves; that CRI is ready the
kubelet asks itself.
Page: https://kubernetes.io/docs/setup/production-environment/container-runtimes/#containerd
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from podwright.containerd import config, crun_wrapper, network, oci_image, process, purge
from podwright.containerd.config import NodeOptions
from podwright.containerd.importer import Importer
from podwright.containerd.layout import Layout
from podwright.containerd.pause_image import sandbox_image
from podwright.containerd.preload import Preloaded, preload
from podwright.containerd.programs import Programs, find_programs
from podwright.containerd.shims import Shims

log = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
_HEALTHY_AFTER: Final = 60.0


class ManagedContainerd:
    """One containerd below `data_dir` (absolute), with `options`. Nothing happens before start()."""

    def __init__(self, data_dir: Path, options: NodeOptions | None = None) -> None:
        self._layout = Layout(data_dir)
        self._options = options or NodeOptions()
        self._effective = self._options
        self._programs: Programs | None = None
        self._process: process.Process | None = None
        self._handlers: tuple[str, ...] = ()
        self._sandbox_image = ""
        self._shims = Shims(self._layout)

    @property
    def shims(self) -> Shims:
        """For whoever finds that a container does not answer."""
        return self._shims

    @property
    def endpoint(self) -> str:
        """For CRI clients."""
        return self._layout.endpoint

    @property
    def handlers(self) -> Sequence[str]:
        """Names of the runtime handlers, the default first; known after start()."""
        return self._handlers

    @property
    def sandbox_image(self) -> str:
        """Full name of the image that image collection must leave alone; known after start()."""
        return self._sandbox_image

    @property
    def log_file(self) -> Path:
        """What the runtime prints."""
        return self._layout.log

    async def start(self) -> None:
        """Have containerd running with the wanted configuration, sandbox image in it, network ready.

        One that already runs for this data directory is taken over; if its configuration is not the wanted one it is
        restarted, which leaves its containers running. Raises MissingProgramError, RuntimeFileError, StartError,
        NetworkError, ImageImportError, OSError.
        """
        programs = self._programs = await asyncio.to_thread(find_programs)
        image = await asyncio.to_thread(self._prepare)
        networking = asyncio.ensure_future(
            asyncio.to_thread(
                network.set_up, self._layout, programs, self._options.pod_cidr, self._options.service_cidr
            )
        )
        try:
            running = await asyncio.to_thread(process.find, self._layout)
            if running is not None and await asyncio.to_thread(self._write_configuration):
                await process.stop(running)
                running = None
            elif running is None:
                await asyncio.to_thread(self._write_configuration)
            if running is not None:
                # Whoever started it may have been killed in the middle of a call.
                self._shims.suspect()
            self._process = running or await process.start(programs.containerd, self._layout)
            await self._import_sandbox_image(image)
        finally:
            await networking

    def _prepare(self) -> oci_image.Image:
        """Folders, and what the configuration is made from. Returns the sandbox image."""
        layout = self._layout
        for folder in (layout.home, layout.root, layout.cni_conf_dir, layout.registries, layout.runtimes_dir):
            folder.mkdir(parents=True, exist_ok=True)
        layout.home.chmod(0o700)
        layout.state.mkdir(parents=True, exist_ok=True)
        layout.state.chmod(0o711)
        programs = self._programs = self._with_wrapped_crun(self._require_programs())
        extra = {**config.read_runtime_files(layout.runtimes_dir), **self._options.extra_runtimes}
        self._effective = replace(self._options, extra_runtimes=extra)
        self._handlers = tuple(config.runtimes(layout, programs, self._effective))
        self._sandbox_image, image = sandbox_image(programs.catatonit)
        return image

    def _with_wrapped_crun(self, programs: Programs) -> Programs:
        crun = programs.runtimes.get("crun")
        if crun is None or not crun_wrapper.needed():
            return programs
        _write(self._layout.crun_wrapper, crun_wrapper.script(crun))
        self._layout.crun_wrapper.chmod(0o755)
        return replace(programs, runtimes={**programs.runtimes, "crun": self._layout.crun_wrapper})

    def _require_programs(self) -> Programs:
        if self._programs is None:
            self._programs = find_programs()
        return self._programs

    def _write_configuration(self) -> bool:
        """Write what differs; whether containerd itself must read it anew (the network it watches by itself)."""
        layout, programs = self._layout, self._require_programs()
        _write(layout.cni_conflist, config.cni_config(layout, self._options))
        return _write(layout.config, config.containerd_config(layout, programs, self._effective, self._sandbox_image))

    async def _import_sandbox_image(self, image: oci_image.Image) -> None:
        marker = self._layout.imported_marker
        if marker.exists() and marker.read_text(encoding="utf-8") == self._sandbox_image:
            return
        archive = await asyncio.to_thread(oci_image.archive, {self._sandbox_image: image})
        await self.import_image(archive)
        marker.write_text(self._sandbox_image, encoding="utf-8")

    async def import_image(self, source: Path | BinaryIO | bytes, name: str | None = None) -> Sequence[str]:
        """Images from an OCI layout folder, an OCI archive or a docker-archive (gzip too); returns their full names.

        CRI sees them a moment later, when containerd has told it. Raises ImageImportError, OSError.
        """
        importer = Importer(self._layout, self._require_programs(), self._options.snapshotter)
        return await importer.import_image(source, name)

    async def preload(self, folder: Path) -> Preloaded:
        """Import the archives of a folder, once for each version of a file. Raises OSError."""
        return await preload(self, folder, self._layout.root / "preloaded.json")

    async def supervise(self) -> None:
        """Start containerd again whenever it ends, and free shims that are stuck, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._shims.watch(), name="shims")
            group.create_task(self._keep_running(), name="containerd process")

    async def _keep_running(self) -> None:
        """Start containerd again whenever it ends. Containers live on meanwhile.

        The pause before a start doubles while it does not stay up. Raises StartError only from start() itself.
        """
        pause = _FIRST_PAUSE
        while True:
            if self._process is not None:
                began = time.monotonic()
                await process.wait_ended(self._process)
                if time.monotonic() - began > _HEALTHY_AFTER:
                    pause = _FIRST_PAUSE
            log.warning("containerd ended; starting it again in %.1f s (its log: %s)", pause, self._layout.log)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                self._process = await process.start(self._require_programs().containerd, self._layout)
            except (process.StartError, OSError) as error:
                self._process = None
                log.error("containerd does not start: %s", error)

    async def stop(self) -> None:
        """End containerd, also one that an earlier run of us started. Containers go on running. Safe to repeat."""
        running = self._process or await asyncio.to_thread(process.find, self._layout)
        if running is not None:
            await process.stop(running)
        self._process = None
        for leftover in (self._layout.socket, self._layout.process_record):
            with suppress(FileNotFoundError):
                leftover.unlink()

    async def purge(self, cgroup_parents: Sequence[str] = ()) -> None:
        """Leave nothing: containers, mounts, network, cgroups (`cgroup_parents`: the kubelet's), files. Safe to repeat.

        Raises OSError, NetworkError when something can't be removed.
        """
        await self.stop()
        await asyncio.to_thread(self._purge, cgroup_parents)

    def _purge(self, cgroup_parents: Sequence[str]) -> None:
        layout, programs = self._layout, self._require_programs()
        purge.kill_containers(layout, programs)
        purge.unmount_all([layout.state, layout.home, layout.data_dir / "pods"])
        network.tear_down(layout, programs, last=not purge.other_instances(layout))
        purge.remove_cgroups([layout.cgroup, *cgroup_parents])
        purge.remove_files(layout)


def _write(path: Path, text: str) -> bool:
    """Write a file that only root reads, whole or not at all; whether it was different."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    draft = path.with_suffix(f"{path.suffix}.new")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return True
