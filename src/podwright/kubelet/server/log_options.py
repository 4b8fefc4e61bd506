"""Which part of a container's log is wanted, read from a request's query. Pure.

Called by `server`; used by `log_reader` and `log_stream`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from podwright.api.objects import parse_time
from podwright.kubelet.server.errors import Refused

_STREAMS = {"": "", "All": "", "Stdout": "stdout", "Stderr": "stderr"}


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What PodLogOptions asks for."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int | None = None
    """lines"""
    limit: int | None = None
    """bytes of the answer"""
    since: datetime.datetime | None = None
    stream: str = ""
    """`stdout`, `stderr`, or "" for both"""


def parse_options(query: Mapping[str, str], now: datetime.datetime) -> LogOptions:
    """The options of a query. Raises Refused: 400 for what can't be read, 422 for what makes no sense."""
    tail, limit, seconds = (_number(query, name) for name in ("tailLines", "limitBytes", "sinceSeconds"))
    try:
        since = parse_time(query["sinceTime"]) if query.get("sinceTime") else None
    except ValueError:
        raise Refused(400, "Unable to decode query: sinceTime is not an RFC 3339 time.") from None
    if tail is not None and tail < 0:
        raise Refused(422, "Invalid request: tailLines must be greater than or equal to 0.")
    if limit is not None and limit < 1:
        raise Refused(422, "Invalid request: limitBytes must be greater than 0.")
    if seconds is not None:
        if since is not None:
            raise Refused(422, "Invalid request: at most one of sinceTime or sinceSeconds may be specified.")
        if seconds < 1:
            raise Refused(422, "Invalid request: sinceSeconds must be greater than 0.")
        since = _before(now, seconds)
    if query.get("stream", "") not in _STREAMS:
        raise Refused(422, "Invalid request: stream must be one of All, Stdout, Stderr.")
    return LogOptions(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        tail=tail,
        limit=limit,
        since=since,
        stream=_STREAMS[query.get("stream", "")],
    )


def _before(now: datetime.datetime, seconds: int) -> datetime.datetime | None:
    try:
        return now - datetime.timedelta(seconds=seconds)
    except OverflowError:
        # Longer ago than there are dates is the same as always.
        return None


def _number(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name, "")
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise Refused(400, f"Unable to decode query: {name} is not a number.") from None


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("1", "true", "t")
