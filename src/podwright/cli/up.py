"""`podwright up`: start the node and serve, in the foreground or (--detach) in the background.

In the foreground it serves until SIGINT or SIGTERM and leaves Pods running, to be adopted by the next `up`.
SIGUSR1 ends the Pods too: that is how `podwright down` asks.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from podwright.cli import memory
from podwright.cli.instance import Instance, Lock, NotOurs, Running, data_dir_option, find

if TYPE_CHECKING:
    from podwright.app import NodeSettings, Ready


def _address(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, int]:
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"{value!r} is not ADDRESS:PORT, as 127.0.0.1:6443")
    return host, int(port)


def _cidr(ctx: click.Context, param: click.Parameter, value: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.IPv4Network(value))
    except ValueError as error:
        raise click.BadParameter(f"{error} (an IPv4 range is wanted, as 10.88.0.0/16)") from None


def _gates(ctx: click.Context, param: click.Parameter, value: str) -> dict[str, bool]:
    gates: dict[str, bool] = {}
    for part in filter(None, value.split(",")):
        match = re.fullmatch(r"\s*(\w+)=(true|false)\s*", part, re.IGNORECASE)
        if match is None:
            raise click.BadParameter(f"{part!r} is not NAME=true or NAME=false")
        gates[match[1]] = match[2].lower() == "true"
    return gates


def _names(ctx: click.Context, param: click.Parameter, value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _labels(ctx: click.Context, param: click.Parameter, value: str) -> dict[str, str]:
    from podwright.api.node_labels import KUBELET_DOMAINS, KUBELET_LABELS, of_kubelets

    labels = {key: label for key, _, label in (part.partition("=") for part in _names(ctx, param, value))}
    strange = sorted(key for key in labels if not of_kubelets(key))
    if strange:
        raise click.BadParameter(
            f"a node may not give itself {', '.join(strange)}: labels in the 'kubernetes.io' namespace must begin "
            f"with an allowed prefix ({', '.join(KUBELET_DOMAINS)}) or be one of {', '.join(sorted(KUBELET_LABELS))}"
        )
    return labels


_FILE = click.Path(exists=True, path_type=Path, resolve_path=True)


@click.command()
@data_dir_option
@click.option(
    "--listen", default="127.0.0.1:6443", callback=_address, show_default=True, help="Where the API is served."
)
@click.option("--node-name", default="", help="[default: this machine's name]")
@click.option("--node-labels", default="", callback=_labels, help="Labels of the node: a=b,c=d.")
@click.option("--pod-cidr", default="10.88.0.0/16", callback=_cidr, show_default=True, help="Addresses of Pods.")
@click.option(
    "--service-cidr", default="10.96.0.0/16", callback=_cidr, show_default=True, help="Addresses of Services."
)
@click.option("--container-runtime-endpoint", default="", help="Another CRI runtime: unix:///run/crio/crio.sock.")
@click.option("--config", "config_file", type=_FILE, help="A KubeletConfiguration (kubelet.config.k8s.io/v1beta1).")
@click.option("--feature-gates", default="", callback=_gates, help="A=true,B=false")
@click.option("--image-credential-provider-config", type=_FILE, help="A CredentialProviderConfig, or a folder of them.")
@click.option("--image-credential-provider-bin-dir", type=_FILE, help="Where the providers' programs are.")
@click.option("--enable-admission-plugins", default="", callback=_names, help="A,B")
@click.option("--disable-admission-plugins", default="", callback=_names, help="A,B")
@click.option(
    "--admission-control-config-file", type=_FILE, help="An AdmissionConfiguration (apiserver.config.k8s.io/v1)."
)
@click.option(
    "--dns", type=bool, default=True, show_default=True, help="Serve names to Pods; false leaves room for CoreDNS."
)
@click.option("--detach", is_flag=True, help="Return when the node is Ready; it serves on in the background.")
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
@click.pass_context
def command(ctx: click.Context, /, data_dir: Path, detach: bool, verbose: bool, **flags: Any) -> None:
    """Start the node: API server, scheduler, controllers, kubelet and container runtime."""
    if os.geteuid() != 0:
        raise click.ClickException("containers need root: run this with sudo")
    settings = _settings(data_dir, flags)
    began = time.monotonic()
    try:
        lock = Lock(data_dir)
    except Running as running:
        _already(data_dir, running, detach)
        return
    except NotOurs as error:
        raise click.ClickException(f"--data-dir: {error}; choose another") from None
    except OSError as error:
        raise click.ClickException(f"--data-dir {data_dir}: {error.strerror}") from None
    if detach:
        _detach(data_dir)
    _serve(settings, lock, began, verbose, _given(ctx, flags))


def _given(ctx: click.Context, flags: dict[str, Any]) -> list[str]:
    """The flags that were given, as they can be given again from any folder."""
    told = {option.name: option.opts[0] for option in ctx.command.params}
    sources = {name: ctx.get_parameter_source(name) for name in flags}
    given = [name for name in flags if sources[name] is click.core.ParameterSource.COMMANDLINE]
    return [f"{told[name]}={_as_flag(flags[name])}" for name in given]


def _as_flag(value: Any) -> str:
    match value:
        case (str() as host, int() as port):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case dict():
            return ",".join(f"{key}={_as_flag(part)}" for key, part in value.items())
        case list():
            return ",".join(value)
        case bool():
            return str(value).lower()
    return str(value)


def _settings(data_dir: Path, flags: dict[str, Any]) -> NodeSettings:
    from podwright.client import http_library

    http_library.load()
    from podwright.admission import configuration as admission
    from podwright.app import NodeSettings
    from podwright.kubelet.configuration import ConfigurationError, load

    host, port = flags["listen"]
    gates = {"featureGates": flags["feature_gates"]} if flags["feature_gates"] else {}
    try:
        loaded = load(flags["config_file"], gates)
        told = admission.load(flags["admission_control_config_file"])
    except (ConfigurationError, admission.AdmissionConfigurationError) as error:
        raise click.ClickException(str(error)) from None
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    name = flags["node_name"] or os.uname().nodename.lower()
    _check_name(name)
    return NodeSettings(
        data_dir=data_dir,
        node_name=name,
        config=loaded.configuration,
        host=host,
        port=port,
        pod_cidr=flags["pod_cidr"],
        service_cidr=flags["service_cidr"],
        runtime_endpoint=flags["container_runtime_endpoint"],
        image_credential_provider_config=flags["image_credential_provider_config"],
        image_credential_provider_bin_dir=flags["image_credential_provider_bin_dir"],
        enable_admission_plugins=flags["enable_admission_plugins"],
        disable_admission_plugins=flags["disable_admission_plugins"],
        admission=told,
        dns=flags["dns"],
        node_labels=flags["node_labels"],
    )


def _check_name(name: str) -> None:
    from podwright.api.names import dns_subdomain

    if problems := dns_subdomain(name):
        raise click.ClickException(f"--node-name {name!r}: {'; '.join(problems)}")


def _already(data_dir: Path, running: Running, detach: bool) -> None:
    if not detach:
        raise click.ClickException(f"{running}; `podwright status --data-dir {data_dir}` tells more")
    instance = find(data_dir)
    click.echo(f"{running}: {instance.url if instance else ''}")


def _detach(data_dir: Path) -> None:
    """Go on in a child with a session of its own; the parent waits for its word and leaves with it."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        with os.fdopen(read) as said:
            text = ""
            for text in said:
                sys.stdout.write(text)
                sys.stdout.flush()
        if not text.startswith("export "):
            _, status = os.waitpid(pid, 0)
            log = data_dir / "podwright.log"
            tail = log.read_text(errors="replace").strip().splitlines()[-5:]
            click.echo("\n".join([f"podwright did not start (status {status}); the end of {log}:", *tail]), err=True)
            os._exit(1)
        os._exit(0)
    os.close(read)
    os.setsid()
    log_file = os.open(data_dir / "podwright.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(write, 1)
    os.dup2(log_file, 2)
    for file in (write, log_file, null):
        os.close(file)


class _Teller:
    """Tells the user, and the other verbs, how the start goes."""

    def __init__(self, lock: Lock, told: Instance, began: float) -> None:
        self._lock = lock
        self._told = told
        self._began = began

    def ready(self, node: Ready) -> None:
        """The last words to a detached parent, which waits for the end of this stream."""
        self._lock.say(replace(self._told, url=node.url))
        click.echo(f"node {node.node_name} is Ready after {time.monotonic() - self._began:.2f} s, serving {node.url}")
        click.echo(f"export KUBECONFIG={node.kubeconfig}")
        sys.stdout.flush()
        if os.getsid(0) == os.getpid() and not sys.stdout.isatty():
            os.dup2(2, 1)

    def waiting(self, why: str) -> None:
        """Long waits are explained."""
        click.echo(f"after {time.monotonic() - self._began:.0f} s the node is not Ready yet: {why}")
        sys.stdout.flush()


def _serve(settings: NodeSettings, lock: Lock, began: float, verbose: bool, given: list[str]) -> None:
    import asyncio
    import logging

    import uvloop

    from podwright.app import Node
    from podwright.containerd.layout import Layout
    from podwright.containerd.process import leave_callers_cgroups

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("podwright").setLevel(logging.DEBUG if verbose else logging.INFO)
    # Programs are forked only to be replaced at once: gRPC need not stop its threads for that, nor complain.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    memory.one_arena()
    leave_callers_cgroups(os.getpid(), Layout(settings.data_dir))
    endpoint = settings.runtime_endpoint
    told = Instance(os.getpid(), node=settings.node_name, managed=not endpoint, endpoint=endpoint, flags=given)
    lock.say(told)

    async def serve() -> None:
        node = Node(settings, memory.give_back)
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sig, node.stop)
        loop.add_signal_handler(signal.SIGUSR1, lambda: node.stop(end_pods=True))
        await node.run(_Teller(lock, told, began))

    try:
        uvloop.run(serve())
    except BaseException as error:  # noqa: BLE001 - the last place where a failure can be told
        _tell_failure(error, verbose)


def _tell_failure(error: BaseException, verbose: bool) -> None:
    """One line for each cause that a user can do something about; a traceback for a fault of the program."""
    import logging

    from podwright.api.errors import StatusError
    from podwright.containerd.importer import ImageImportError
    from podwright.containerd.network import NetworkError
    from podwright.containerd.process import StartError
    from podwright.containerd.programs import MissingProgramError
    from podwright.cri.errors import CriError
    from podwright.storage.interface import StoreError

    known = (
        OSError, ValueError, StatusError, StartError, NetworkError, MissingProgramError, ImageImportError, CriError,
        StoreError,
    )  # fmt: skip
    causes = list(_leaves(error))
    if not verbose and all(isinstance(cause, known) for cause in causes):
        for cause in causes:
            click.echo(f"Error: {cause}", err=True)
    else:
        logging.getLogger("podwright").critical("podwright ends", exc_info=error)
    sys.exit(1)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
