"""A gRPC server on a socket that answers with what a test gives it, for any method."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

Handler = Callable[[bytes, Any], Awaitable[bytes]]
Stream = Callable[[bytes, Any], AsyncIterator[bytes]]


class _AnyMethod(grpc.GenericRpcHandler):
    def __init__(self, unary: dict[str, Handler], streams: dict[str, Stream]) -> None:
        self._unary = unary
        self._streams = streams

    def service(self, handler_call_details: Any) -> Any:
        name = handler_call_details.method.rsplit("/", 1)[-1]
        if name in self._unary:
            return grpc.unary_unary_rpc_method_handler(self._unary[name])
        if name in self._streams:
            return grpc.unary_stream_rpc_method_handler(self._streams[name])
        return None


@asynccontextmanager
async def serving(
    socket: Path, unary: dict[str, Handler] | None = None, streams: dict[str, Stream] | None = None
) -> AsyncIterator[grpc.aio.Server]:
    """Serve on `socket` until the block ends."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_AnyMethod(unary or {}, streams or {}),))
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        yield server
    finally:
        await server.stop(None)
