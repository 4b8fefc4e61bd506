"""`podwright registry`: check whom a registry lets in, log the node in and out.

`check` goes the whole way of a pull's credentials without pulling; `login` writes the node's config.json, or that of
one namespace, after the registry has taken the password. No password is ever an argument: those can be seen by all.
Page: https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from podwright.api.names import dns_label
from podwright.cli import connection
from podwright.cli.instance import data_dir_option

if TYPE_CHECKING:
    from podwright.api.objects import Object
    from podwright.client.http import HttpClient
    from podwright.kubelet.credentials.docker_config import DockerConfig
    from podwright.kubelet.images.access_check import AccessReport

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Check credentials for an image; log in to and out of registries."""


def _namespace_option(help: str) -> Callable[[F], F]:
    return click.option("-n", "--namespace", default="", help=help)


@command.command("check")
@data_dir_option
@_namespace_option("Look as for a Pod of this namespace. [default: only at what every Pod has]")
@click.option("--service-account", default="", help="And of this service account. [default: default]")
@click.argument("image")
def check(data_dir: Path, namespace: str, service_account: str, image: str) -> None:
    """Say which credentials there are for IMAGE and what its registry answers to each; nothing is pulled.

    The exit status is 1 when no credential is let in.
    """
    from podwright.kubelet.images.access_check import lines

    if service_account and not namespace:
        raise click.UsageError("--service-account needs --namespace")
    report = _run(_check(data_dir, namespace, service_account, image))
    for line in lines(report):
        click.echo(line)
    if not report.lets_in:
        raise SystemExit(1)


@command.command("login")
@data_dir_option
@_namespace_option("Only for Pods of this namespace. [default: for every Pod]")
@click.option("-u", "--username", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@click.argument("host")
def login(data_dir: Path, namespace: str, username: str, password_stdin: bool, host: str) -> None:
    """Have the node show USERNAME and a password to the registry HOST[:PORT][/PATH], once HOST has taken them."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    if not password:
        raise click.ClickException("no password was given")
    if ":" in username:
        raise click.ClickException("a user's name has no colon")
    click.echo(_run(_login(data_dir, namespace, host, username, password)))


@command.command("logout")
@data_dir_option
@_namespace_option("What was for Pods of this namespace. [default: what was for every Pod]")
@click.argument("host")
def logout(data_dir: Path, namespace: str, host: str) -> None:
    """Have the node forget what it showed to the registry HOST[:PORT][/PATH]."""
    click.echo(_run(_logout(data_dir, namespace, host)))


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password at: give --password-stdin")
    return str(click.prompt("Password", hide_input=True, err=True))


def _run(work: Coroutine[Any, Any, T]) -> T:
    from podwright.kubelet.credentials.docker_config import DockerConfigError
    from podwright.kubelet.credentials.helpers import HelperError
    from podwright.kubelet.images.reference import InvalidReferenceError

    try:
        return connection.run(work)
    except (DockerConfigError, HelperError, InvalidReferenceError) as error:
        raise click.ClickException(str(error)) from None


def config_path(data_dir: Path, namespace: str) -> Path:
    """The file that every Pod's pulls read, or those of one namespace alone. Raises ClickException."""
    if namespace and (problems := dns_label(namespace)):
        raise click.ClickException(f"--namespace {namespace!r}: {'; '.join(problems)}")
    return (data_dir / "credentials" / namespace if namespace else data_dir) / "config.json"


async def _check(data_dir: Path, namespace: str, service_account: str, image: str) -> AccessReport:
    if not namespace:
        return await _ask(None, data_dir, {}, image)
    async with connection.connect(data_dir) as client:
        return await _ask(client, data_dir, await _pod_of(client, namespace, service_account or "default"), image)


async def _ask(client: HttpClient | None, data_dir: Path, pod: Object, image: str) -> AccessReport:
    from podwright.cli import as_the_node
    from podwright.kubelet.images import access_check
    from podwright.kubelet.images.registry_client import RegistryClient

    registry = RegistryClient(data_dir / "registries")
    return await access_check.check(as_the_node.lookup(client, data_dir), registry, pod, image)


async def _pod_of(client: HttpClient, namespace: str, service_account: str) -> Object:
    """A Pod as admission would make it: with the secrets of its service account."""
    from podwright.api.resources import SERVICE_ACCOUNTS

    account = await client.get(SERVICE_ACCOUNTS, service_account, namespace)
    secrets = account.get("imagePullSecrets") or []
    return {
        "metadata": {"namespace": namespace},
        "spec": {"serviceAccountName": service_account, "imagePullSecrets": secrets},
    }


async def _login(data_dir: Path, namespace: str, host: str, username: str, password: str) -> str:
    from podwright.kubelet.credentials import config_file, helpers
    from podwright.kubelet.credentials.keyring import Credential
    from podwright.kubelet.images.registry_client import RegistryClient

    path, server = config_path(data_dir, namespace), _server(host)
    document, config = _read(path)
    registry = "docker.io" if server == config_file.HUB else server.partition("/")[0]
    answer = await RegistryClient(data_dir / "registries").log_in(registry, Credential(username, password))
    if not answer.lets_in:
        raise click.ClickException(f"{answer.host} does not take them: {answer.text()}; nothing was written")
    helper = _helper(config, server)
    if helper:
        await helpers.store(helper, server, username, password)
        password = ""
    config_file.write(path, config_file.with_login(document, server, username, password))
    kept = f"kept by docker-credential-{helper}, named in" if helper else "written to"
    whose = f"Pods of namespace {namespace}" if namespace else "every Pod"
    return f"{answer.host} has let {username} in; {kept} {path}, for {whose}"


async def _logout(data_dir: Path, namespace: str, host: str) -> str:
    from podwright.kubelet.credentials import config_file, helpers

    path, server = config_path(data_dir, namespace), _server(host)
    document, config = _read(path)
    if server not in (document.get("auths") or {}) and not _helper(config, server):
        raise click.ClickException(f"{path} has nothing for {server}")
    if helper := _helper(config, server):
        await helpers.erase(helper, server)
    config_file.write(path, config_file.without(document, server))
    return f"{path} has nothing for {server} any more"


def _server(host: str) -> str:
    from podwright.kubelet.credentials.config_file import server_key

    try:
        return server_key(host)
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def _read(path: Path) -> tuple[Any, DockerConfig]:
    import json

    from podwright.kubelet.credentials import config_file
    from podwright.kubelet.credentials.docker_config import DockerConfigError, parse_config_json
    from podwright.kubelet.credentials.keyring import Source

    try:
        document = config_file.read(path)
        return document, parse_config_json(json.dumps(document), Source(str(path)))
    except DockerConfigError as error:
        raise click.ClickException(f"{path}: {error}") from None


def _helper(config: DockerConfig, server: str) -> str:
    """The credential helper that the file names for a server, "" for none."""
    return config.helpers.get(server, config.store)
