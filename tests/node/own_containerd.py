"""A containerd that somebody else set up: its own folder, socket, configuration and Pod network, no Podwright in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from podwright.containerd import crun_wrapper
from podwright.containerd.example_image import EXAMPLE_IMAGE, busybox_image
from podwright.containerd.oci_image import archive
from podwright.containerd.pause_image import sandbox_image
from podwright.kubelet.volumes import mounts

_NUMBER = os.getpid()
BRIDGE = f"pwo{_NUMBER}"
SUBNET = f"10.{160 + _NUMBER // 256 % 32}.{_NUMBER % 256}.0/24"


@dataclass
class OwnContainerd:
    """`start`, `pause`, `go_on`, `stop`; everything lies below `folder`, whose path must be short."""

    folder: Path
    handlers: dict[str, str] = field(default_factory=lambda: {"runc": "runc", "myconfiguration": "crun"})
    """OCI programs by the handler's name, as in the page on RuntimeClass"""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "c.sock"

    @property
    def endpoint(self) -> str:
        """Its CRI endpoint."""
        return f"unix://{self.socket}"

    def configuration(self) -> str:
        """config.toml; what it does not say is as containerd has it."""
        pause, _ = sandbox_image(_found("catatonit"))
        text = f"""version = 2
root = "{self.folder}/root"
state = "{self.folder}/state"
[grpc]
address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{self.folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
"""
        for handler, program in self.handlers.items():
            table = f'[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{handler}'
            text += f'{table}]\nruntime_type = "io.containerd.runc.v2"\n'
            text += f'{table}.options]\nBinaryName = "{self._program(program)}"\nRoot = "{self.folder}/oci/{handler}"\n'
        return text

    def _program(self, name: str) -> Path:
        if name != "crun" or not crun_wrapper.needed():
            return _found(name)
        script = self.folder / "crun"
        script.write_text(crun_wrapper.script(_found("crun")))
        script.chmod(0o755)
        return script

    def start(self) -> None:
        """Start it (again), and import the images it needs the first time."""
        first = not self.folder.exists()
        (self.folder / "cni").mkdir(parents=True, exist_ok=True)
        (self.folder / "cni" / "10-own.conf").write_text(
            f'{{"cniVersion": "0.4.0", "name": "own", "type": "bridge", "bridge": "{BRIDGE}", "isGateway": true,'
            f'"ipMasq": true, "ipam": {{"type": "host-local", "subnet": "{SUBNET}", "routes": [{{"dst": "0.0.0.0/0"}}],'
            f'"dataDir": "{self.folder}/ipam"}}}}'
        )
        (self.folder / "config.toml").write_text(self.configuration())
        with (self.folder / "log").open("ab") as log:
            command = ["containerd", "--config", self.folder / "config.toml"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._wait()
        if first:
            name, image = sandbox_image(_found("catatonit"))
            images = archive({name: image, EXAMPLE_IMAGE: busybox_image(_found("busybox"))})
            self._ctr("images", "import", "-", stdin=images)

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while subprocess.run(self._words("version"), capture_output=True, check=False).returncode:
            log = (self.folder / "log").read_text(errors="replace")[-2000:]
            assert time.monotonic() < deadline and self.process.poll() is None, f"containerd does not answer: {log}"
            time.sleep(0.05)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The daemon."""
        assert self._process is not None
        return self._process

    def stop(self) -> None:
        """End the daemon; containers live on."""
        self.process.terminate()
        self.process.wait()

    def clear(self) -> None:
        """End the containers that are left, the daemon, and take everything away."""
        for line in self._ctr("tasks", "list", "-q").split():
            subprocess.run(self._words("tasks", "delete", "-f", line), capture_output=True, check=False)
        self.stop()
        for point in reversed(mounts.mounted_below(self.folder)):
            mounts.unmount(point)
        subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)
        shutil.rmtree(self.folder)

    def sandboxes(self) -> list[str]:
        """Ids of all containers that run, sandboxes included."""
        return self._ctr("tasks", "list", "-q").split()

    def runtime_of(self, container: str) -> str:
        """The handler under which a container runs: whose state folder has it."""
        return next(name for name in self.handlers if (self.folder / "oci" / name / "k8s.io" / container).exists())

    def _ctr(self, *words: str, stdin: bytes | None = None) -> str:
        done = subprocess.run(self._words(*words), input=stdin, capture_output=True, check=False)
        assert not done.returncode, done.stderr.decode()
        return done.stdout.decode()

    def _words(self, *words: str) -> list[str]:
        return ["ctr", "--address", str(self.socket), "--namespace", "k8s.io", *words]


def _found(program: str) -> Path:
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path is not None, program
    return Path(path)
