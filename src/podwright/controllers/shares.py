"""Numbers that may be written as a percentage of the replicas.

Pure. Page: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

from __future__ import annotations


def share_of(value: int | str | None, total: int, *, up: bool) -> int:
    """`3` or `25%` of `total`, rounded up or down. What is no percentage counts as none."""
    if value is None or isinstance(value, int):
        return value or 0
    digits = value.removesuffix("%")
    if digits == value or not digits.isdecimal():
        return 0
    return -(-total * int(digits) // 100) if up else total * int(digits) // 100
