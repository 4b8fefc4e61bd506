"""One connection to a runtime's socket: calls by their full name, with time limits, errors as `CriError`.

Used by the clients of this package. gRPC connects at the first call, and again by itself when the runtime was
restarted; while there is no connection a call fails at once with Unavailable, so that callers decide how to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from podwright.cri.errors import CriError, Unavailable, from_status

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""the size both sides of CRI agree on"""

UNIX_PATH_LIMIT: Final = 107
"""bytes in a Unix socket's path (sun_path, with its closing zero)"""

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_http_proxy", 0),
    ("grpc.default_authority", "localhost"),
    # A runtime that is back must be found at once, not after gRPC's usual 20 s.
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


R = TypeVar("R", bound=Message)


def failure(error: grpc.aio.AioRpcError, endpoint: str) -> CriError:
    """The exception for a failed call; gRPC's own story of a refused connection becomes one sentence."""
    details = error.details() or ""
    if details.startswith("failed to connect to all addresses"):
        details = f"the runtime does not answer at {endpoint}: {details.rpartition('error: ')[2]}"
    return from_status(error.code().name, details)


def socket_address(endpoint: str) -> str:
    """`unix:///run/x.sock`, `unix:/run/x.sock` or a plain absolute path, as gRPC wants it.

    Raises ValueError for anything else, and for a path that is longer than a socket's may be.
    """
    path = endpoint.removeprefix("unix://") if endpoint.startswith("unix://") else endpoint.removeprefix("unix:")
    if not path.startswith("/"):
        raise ValueError(f"runtime endpoint {endpoint!r}: expected unix:///PATH (an absolute path)")
    if len(path.encode()) > UNIX_PATH_LIMIT:
        raise ValueError(f"runtime endpoint {endpoint!r}: the path has more than {UNIX_PATH_LIMIT} bytes")
    return f"unix:{path}"


class Channel:
    """A lazily connected channel. Made inside a running event loop, or before it: it binds at the first call."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._address = socket_address(endpoint)
        self._channel: grpc.aio.Channel | None = None
        self._calls: dict[str, Any] = {}
        self._closed = False

    def _connected(self) -> grpc.aio.Channel:
        if self._closed:
            raise Unavailable("Unavailable", f"the connection to {self.endpoint} was closed")
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._address, options=list(_OPTIONS))
        return self._channel

    async def call(
        self,
        method: str,
        request: Message,
        response: type[R],
        timeout: float | None,
        *,
        wait: bool = False,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> R:
        """One request, one answer. `timeout` in seconds; `wait`: for a connection, instead of failing at once."""
        channel = self._connected()
        unary = self._calls.get(method)
        if unary is None:
            unary = channel.unary_unary(
                method, request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
            )
            self._calls[method] = unary
        try:
            answer: R = await unary(request, timeout=timeout, wait_for_ready=wait, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise failure(error, self.endpoint) from None
        except asyncio.CancelledError:
            # close() also ends running calls this way; only our caller's cancellation may look like one
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise Unavailable("Unavailable", f"the connection to {self.endpoint} was closed") from None
            raise
        return answer

    async def stream(
        self, method: str, request: Message, response: type[R], metadata: tuple[tuple[str, str], ...] = ()
    ) -> AsyncIterator[R]:
        """One request, any number of answers, until the runtime ends it or the iterator is closed."""
        call = self._connected().unary_stream(
            method, request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
        )(request, metadata=metadata)
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise failure(error, self.endpoint) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and task is not None and not task.cancelling():
                raise Unavailable("Unavailable", f"the connection to {self.endpoint} was closed") from None
            raise
        finally:
            call.cancel()

    async def close(self) -> None:
        """End running calls and the connection. Safe to repeat."""
        self._closed = True
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(None)
