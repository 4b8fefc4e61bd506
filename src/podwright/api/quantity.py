"""Quantities: `500m` of CPU, `64Mi` of memory, as numbers and in the form that the API server writes them.

Who calls it: validation and defaulting in the API server, the scheduler's fit, the kubelet's cgroup settings.
A quantity is exact down to one billionth and is capped at 2^63-1; it remembers a suffix family (`Ki` or `k` or `e3`)
and keeps to it when it is written again.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_UP, Context, Decimal

Value = str | int | float
"""A quantity as it may stand in JSON."""

FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
SUFFIX_WRONG = "unable to parse quantity's suffix"


class Family(enum.Enum):
    """The ways to write a quantity's size."""

    DECIMAL_SI = "DecimalSI"
    BINARY_SI = "BinarySI"
    DECIMAL_EXPONENT = "DecimalExponent"


_MAX = Decimal(2**63 - 1)
_NANO = Decimal("1e-9")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()} | {0: ""}
_SHAPE = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_EXPONENT = re.compile(r"[eE][-+]?[0-9]+", re.ASCII)
_LARGEST_EXPONENT = 1000
_EXACT = Context(prec=2100)


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> tuple[Decimal, Family]:
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError(FORMAT_WRONG)
    number, suffix = Decimal(shape[1]), shape[2]
    family = Family.DECIMAL_SI
    if suffix in _BINARY:
        family = Family.BINARY_SI
        amount = _EXACT.multiply(number, Decimal(2 ** _BINARY[suffix]))
    elif suffix in _DECIMAL:
        amount = number.scaleb(_DECIMAL[suffix], _EXACT)
    elif _EXPONENT.fullmatch(suffix):
        family = Family.DECIMAL_EXPONENT
        # Beyond this both ends are certain: capped at the maximum, or rounded up to one billionth.
        power = max(-_LARGEST_EXPONENT, min(_LARGEST_EXPONENT, int(suffix[1:])))
        amount = number.scaleb(power, _EXACT)
    else:
        raise ValueError(SUFFIX_WRONG)
    amount = max(-_MAX, min(_MAX, amount))
    # Somebody who asked for a little must not get nothing, so what is too small rounds away from zero.
    amount = amount.quantize(_NANO, ROUND_UP, _EXACT)
    if family is Family.BINARY_SI and 0 < amount < 1:
        family = Family.DECIMAL_SI
    return amount, family


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        raise ValueError(FORMAT_WRONG)
    return str(value)


def parse_quantity(value: Value) -> Decimal:
    """The amount in base units (cores, bytes, pieces).

    Raises ValueError, with the text that kube-apiserver uses, for what is not a quantity.
    """
    return _parse(_text(value))[0]


def family_of(value: Value) -> Family:
    """The suffix family that the quantity is written in. Raises ValueError."""
    return _parse(_text(value))[1]


def ceil_value(value: Value) -> int:
    """The amount in base units, rounded up. Raises ValueError."""
    return int(parse_quantity(value).to_integral_value(ROUND_CEILING))


def milli_value(value: Value) -> int:
    """The amount in thousandths, rounded up: `0.5` is 500. Raises ValueError."""
    return int((parse_quantity(value) * 1000).to_integral_value(ROUND_CEILING))


def canonical(value: Value) -> str:
    """The quantity as kube-apiserver writes it: no fraction, the largest suffix that allows that. Raises ValueError."""
    return _canonical(_text(value))


@functools.lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    return format_quantity(*_parse(text))


def format_quantity(amount: Decimal, family: Family = Family.DECIMAL_SI) -> str:
    """`amount` (base units) in its shortest exact form within `family`; too small for it, it is written as decimal."""
    if not amount:
        return "0"
    whole = amount == amount.to_integral_value()
    if family is Family.BINARY_SI and abs(amount) >= 1024 and whole:
        number, power = int(amount), 0
        while number % 1024 == 0 and power < 60:
            number, power = number // 1024, power + 10
        return f"{number}{_BINARY_SUFFIX[power]}"
    number, power = int(amount.scaleb(9, _EXACT).to_integral_value(ROUND_UP)), -9
    while number % 1000 == 0 and power < 18:
        number, power = number // 1000, power + 3
    if family is Family.DECIMAL_EXPONENT:
        return f"{number}e{power}" if power else str(number)
    return f"{number}{_DECIMAL_SUFFIX[power]}"


def add_resources(a: Mapping[str, Value], b: Mapping[str, Value]) -> dict[str, str]:
    """The sums of two resource lists, name by name, canonical; a sum keeps the family of its first part.

    Raises ValueError.
    """
    return {name: _sum([m[name] for m in (a, b) if name in m]) for name in dict.fromkeys([*a, *b])}


def max_resources(a: Mapping[str, Value], b: Mapping[str, Value]) -> dict[str, str]:
    """The larger of two amounts, name by name, canonical. Raises ValueError."""
    return {
        name: canonical(max((m[name] for m in (a, b) if name in m), key=parse_quantity))
        for name in dict.fromkeys([*a, *b])
    }


def _sum(values: list[Value]) -> str:
    return format_quantity(sum(map(parse_quantity, values), Decimal(0)), family_of(values[0]))
