"""One question of the gRPC health checking protocol.

Its two messages have one field each, so they are written and read here by hand. grpc is only loaded when a Pod has such
a probe. Called by `runners.py`.
Page: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

import asyncio

_METHOD = "/grpc.health.v1.Health/Check"
_SERVING = 1
_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


def encode_request(service: str) -> bytes:
    """HealthCheckRequest: field 1, the service's name."""
    name = service.encode()
    return b"\x0a" + _varint(len(name)) + name if name else b""


def decode_response(data: bytes) -> int:
    """HealthCheckResponse: field 1, the status; 0 when it is not there. Raises ValueError for anything else."""
    if not data:
        return 0
    if data[0] != 0x08 or len(data) < 2:
        raise ValueError("not a HealthCheckResponse")
    return data[1]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


async def check(target: str, service: str, timeout: float, user_agent: str) -> tuple[bool, str]:
    """Whether `service` ("" for the server itself) at `target` says SERVING within `timeout` seconds, and why not.

    `target` is `10.0.0.1:50051`.
    """
    import grpc
    import grpc.aio

    options = (("grpc.primary_user_agent", user_agent), ("grpc.enable_http_proxy", 0))
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        deadline = asyncio.get_running_loop().time() + timeout
        try:
            async with asyncio.timeout_at(deadline):
                await channel.channel_ready()
        except TimeoutError:
            why = "context deadline exceeded"
            return False, f'timeout: failed to connect service "{target}" within {timeout:g}s: {why}'
        call = channel.unary_unary(_METHOD, request_serializer=encode_request, response_deserializer=decode_response)
        try:
            status: int = await call(service, timeout=max(0.001, deadline - asyncio.get_running_loop().time()))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                text = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
                return False, f"error: {text}: {error.details()}"
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return False, f"timeout: health rpc did not complete within {timeout:g}s"
            return False, f"error: health rpc probe failed: {error.details()}"
    if status == _SERVING:
        return True, ""
    named = _STATUSES[status] if status < len(_STATUSES) else str(status)
    return False, f'service unhealthy (responded with "{named}")'
