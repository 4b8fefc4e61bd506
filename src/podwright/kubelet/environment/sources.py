"""Where a container's variables come from: envFrom, env, and what their valueFrom points at.

Called by `environment.py` each time a container is created. Precedence from low to high: Service variables, envFrom in
its order, env in its order; a name that comes again takes the later value.
Page: https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object, namespace_of
from podwright.api.resources import CONFIG_MAPS, SECRETS, Resource
from podwright.client.interface import Client
from podwright.kubelet.environment.downward_api import NodeFacts, find_container, pod_field, resource_field
from podwright.kubelet.environment.env_file import EnvFileError, find_variable
from podwright.kubelet.environment.expansion import expand
from podwright.kubelet.environment.quoting import quote
from podwright.kubelet.environment.references import UnreadableReference, contents, missing, read_reference
from podwright.kubelet.errors import ContainerConfigError
from podwright.kubelet.volumes.safe_path import read_beneath

ENV_FILE_LIMIT = 1024 * 1024
"""Bytes; a file of variables that is larger is refused."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose variables are made, and what is known about it."""

    pod: Object
    container: Object
    pod_ips: Sequence[str]
    node: NodeFacts
    volume_paths: Mapping[str, str]


class Sources:
    """Reads what the variables of one container refer to, each object once."""

    def __init__(self, client: Client, subject: Subject) -> None:
        self._client = client
        self._subject = subject
        self._read: dict[tuple[Resource, str], Object | None] = {}

    async def variables(self, beneath: Sequence[tuple[str, str]]) -> dict[str, str]:
        """All variables, on top of `beneath` (those of the Services). Raises ContainerConfigError."""
        found = dict(beneath)
        container = self._subject.container
        try:
            for entry in container.get("envFrom") or ():
                found.update(await self._all_of(entry))
            for entry in container.get("env") or ():
                value = await self._one(entry, found)
                if value is not None:
                    found[entry["name"]] = value
        except (UnreadableReference, ValueError) as error:
            raise ContainerConfigError(str(error)) from None
        return found

    async def _all_of(self, entry: Object) -> dict[str, str]:
        prefix = entry.get("prefix") or ""
        for field, resource in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
            if reference := entry.get(field):
                obj = await self._object(resource, reference)
                if obj is None:
                    return {}
                data = (obj.get("data") or {}) if resource is CONFIG_MAPS else contents(obj)
                return {prefix + key: self._text(resource, reference, key, value) for key, value in data.items()}
        return {}

    async def _one(self, entry: Object, earlier: Mapping[str, str]) -> str | None:
        """The value of one env entry; None: it is left out."""
        source = entry.get("valueFrom")
        if not source:
            return expand(str(entry.get("value") or ""), earlier.get)
        subject = self._subject
        if reference := source.get("fieldRef"):
            return pod_field(subject.pod, reference["fieldPath"], subject.node, subject.pod_ips)
        if reference := source.get("resourceFieldRef"):
            name = reference.get("containerName")
            container = find_container(subject.pod, name) if name else subject.container
            divisor = str(reference.get("divisor") or "1")
            return resource_field(subject.pod, container, reference["resource"], divisor, subject.node)
        if reference := source.get("configMapKeyRef"):
            return await self._key(CONFIG_MAPS, reference)
        if reference := source.get("secretKeyRef"):
            return await self._key(SECRETS, reference)
        if reference := source.get("fileKeyRef"):
            return await self._from_file(reference)
        raise ContainerConfigError(f"variable {entry.get('name')} has a source that is not known here")

    async def _object(self, resource: Resource, reference: Object) -> Object | None:
        name = reference.get("name") or ""
        if (resource, name) not in self._read:
            namespace = namespace_of(self._subject.pod)
            self._read[resource, name] = await read_reference(self._client, resource, namespace, name)
        obj = self._read[resource, name]
        if obj is None and not reference.get("optional"):
            raise ContainerConfigError(missing(resource, name))
        return obj

    async def _key(self, resource: Resource, reference: Object) -> str | None:
        obj = await self._object(resource, reference)
        if obj is None:
            return None
        key = reference["key"]
        data = (obj.get("data") or {}) if resource is CONFIG_MAPS else contents(obj)
        if key in data:
            return self._text(resource, reference, key, data[key])
        if reference.get("optional"):
            return None
        where = f"{namespace_of(self._subject.pod)}/{reference.get('name')}"
        raise ContainerConfigError(f"couldn't find key {key} in {resource.kind} {where}")

    def _text(self, resource: Resource, reference: Object, key: str, value: str | bytes) -> str:
        if isinstance(value, str):
            return value
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            where = f"{resource.kind} {namespace_of(self._subject.pod)}/{reference.get('name')}"
            raise ContainerConfigError(f"key {key} in {where} is not text and cannot be a variable; mount it as a file")
        return text

    async def _from_file(self, reference: Object) -> str | None:
        volume, path, key = reference["volumeName"], reference["path"], reference["key"]
        optional = bool(reference.get("optional"))
        declared = (self._subject.pod.get("spec") or {}).get("volumes") or ()
        root = self._subject.volume_paths.get(volume)
        if root is None or not any(v.get("name") == volume and "emptyDir" in v for v in declared):
            raise ContainerConfigError(f"cannot find the volume {quote(volume)} referenced by FileKeyRef")
        try:
            text = await asyncio.to_thread(read_beneath, Path(root), path, ENV_FILE_LIMIT)
            value = find_variable(text.decode(), key)
        except FileNotFoundError:
            value = ""
        except (EnvFileError, UnicodeDecodeError) as error:
            raise ContainerConfigError(f"couldn't parse env file: {quote(path)}: {error}") from None
        except OSError as error:
            raise ContainerConfigError(f"couldn't parse env file: {quote(path)}: {error.strerror}") from None
        if value:
            return value
        if optional:
            return None
        raise ContainerConfigError(f"environment variable key {quote(key)} not found in file {quote(path)}")
