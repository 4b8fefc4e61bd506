"""RuntimeClass name -> runtime handler.

What it decides: which handler the runtime is asked to run a Pod with, and that a Pod whose class is gone can never run.
A class is looked up live before a Pod is failed, because a cache may lag behind the API. Called by
`kuberuntime/sync_pod` whenever a sandbox is made.
Page: https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

from collections.abc import Callable

from podwright.api.errors import NotFound, StatusError
from podwright.api.objects import Object
from podwright.api.resources import RUNTIME_CLASSES
from podwright.client.interface import Client
from podwright.kubelet.errors import SandboxError, TerminalError

CLASS_NOT_FOUND = "RuntimeClassNotFound"
"""status.reason of a Pod whose class does not exist"""
CLASS_NOT_AVAILABLE = "RuntimeClassNotAvailable"
"""status.reason of a Pod that names a class on a node without an API to look it up in"""


class RuntimeClasses:
    """Looks classes up.

    `client` is None on a node without an API. `cached` gives a class from an informer's store, None when it has none.
    """

    def __init__(self, client: Client | None, cached: Callable[[str], Object | None]) -> None:
        self._client = client
        self._cached = cached

    async def handler(self, pod: Object) -> str:
        """The handler; "" (no class given) is the runtime's default.

        Raises TerminalError when there is no such class, SandboxError when the API could not say.
        """
        name: str = (pod.get("spec") or {}).get("runtimeClassName") or ""
        if not name:
            return ""
        found = self._cached(name)
        if found is None:
            found = await self._live(name)
        handler: str = found.get("handler") or ""
        return handler

    def known(self, pod: Object) -> str:
        """The handler as far as the cache tells, which is current for a Pod that has its sandbox."""
        name: str = (pod.get("spec") or {}).get("runtimeClassName") or ""
        return str((self._cached(name) or {}).get("handler") or "") if name else ""

    async def _live(self, name: str) -> Object:
        if self._client is None:
            raise TerminalError(
                CLASS_NOT_AVAILABLE,
                f'runtimeClassName "{name}" cannot be honoured: this node has no API to look it up in',
            )
        try:
            return await self._client.get(RUNTIME_CLASSES, name)
        except NotFound as error:
            raise TerminalError(CLASS_NOT_FOUND, f'runtimeclass.node.k8s.io "{name}" not found') from error
        except (StatusError, OSError) as error:
            raise SandboxError(f'runtimeclass.node.k8s.io "{name}" cannot be looked up: {error}') from error
