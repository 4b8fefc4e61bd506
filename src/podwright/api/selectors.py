"""Label selectors and field selectors: parsed once, matched often.

Who calls it: list and watch in the API server, the informers, the scheduler's node affinity and the controllers.
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors and
https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podwright.api import names
from podwright.api.field import Path, aggregate, invalid


class Operator(enum.Enum):
    """What a requirement asks of a label; the value is the word in selector objects."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label. Values of GT and LT are one integer."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet this condition; a label that is not there meets NOT_IN."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value is not None and value in self.values
            case Operator.NOT_IN:
                return value is None or value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None
            case Operator.GT | Operator.LT:
                return value is not None and self._compares(value)

    def _compares(self, value: str) -> bool:
        try:
            actual, (wanted,) = int(value), [int(v) for v in self.values]
        except ValueError:
            return False
        return actual > wanted if self.operator is Operator.GT else actual < wanted


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements that must all hold; none of them selects everything, unless it `selects_nothing`."""

    requirements: tuple[Requirement, ...] = ()
    selects_nothing: bool = False

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels is selected."""
        return not self.selects_nothing and all(r.matches(labels or {}) for r in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements) or self.selects_nothing


_TOKEN = re.compile(r"\s*(?:(==|!=|[=!(),><])|([^\s=!(),><]+)|$)")
_BINARY = {"=", "==", "!=", "in", "notin", ">", "<"}
_SYMBOLS = {"=", "==", "!=", "!", "(", ")", ",", ">", "<"}


class _Parser:
    """One pass over the tokens; "" is the end."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        for found in _TOKEN.finditer(text):
            token = found[1] or found[2] or ""
            if token:
                self._tokens.append(token)
        self._at = 0

    def parse(self) -> list[Requirement]:
        answer: list[Requirement] = []
        while True:
            token = self._peek()
            if token == "" and not answer:
                return answer
            if token in _SYMBOLS and token != "!":
                raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
            answer.append(self._requirement())
            token = self._next()
            if token == "":
                return answer
            if token != ",":
                raise ValueError(f"found '{token}', expected: ',' or 'end of string'")
            after = self._peek()
            if after != "!" and (after in _SYMBOLS or after == ""):
                raise ValueError(f"found '{after}', expected: identifier after ','")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _requirement(self) -> Requirement:
        absent = self._peek() == "!"
        if absent:
            self._next()
        key = self._next()
        if key in _SYMBOLS or not key:
            raise ValueError(f"found '{key}', expected: identifier")
        _check(names.qualified_name(key), Path(), key)
        if absent:
            return Requirement(key, Operator.DOES_NOT_EXIST)
        if self._peek() in {"", ","}:
            return Requirement(key, Operator.EXISTS)
        operator = self._next()
        if operator not in _BINARY:
            raise ValueError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        return self._with_values(key, operator)

    def _with_values(self, key: str, operator: str) -> Requirement:
        if operator in {"in", "notin"}:
            kind, values = (Operator.IN if operator == "in" else Operator.NOT_IN), self._set()
        else:
            values = [self._single()]
            kind = {"!=": Operator.NOT_IN, ">": Operator.GT, "<": Operator.LT}.get(operator, Operator.IN)
        if kind in {Operator.GT, Operator.LT} and not re.fullmatch(r"-?[0-9]+", values[0], re.ASCII):
            wrong = invalid(
                Path("values").index(0), values[0], "for 'Gt', 'Lt' operators, the value must be an integer"
            )
            raise ValueError(str(wrong))
        for position, value in enumerate(values):
            _check(names.label_value(value), Path("values").index(position).key(key), value)
        return Requirement(key, kind, frozenset(values))

    def _single(self) -> str:
        if self._peek() in {"", ","}:
            return ""
        value = self._next()
        if value in _SYMBOLS:
            raise ValueError(f"found '{value}', expected: identifier")
        return value

    def _set(self) -> list[str]:
        if (opening := self._next()) != "(":
            raise ValueError(f"found '{opening}' expected: '('")
        values = [""]
        while (token := self._next()) != ")":
            if token == ",":
                values.append("")
            elif token in _SYMBOLS or token == "" or values[-1]:
                raise ValueError(f"found '{token}', expected: ',', or ')'")
            else:
                values[-1] = token
        return values


def _check(errors: list[str], path: Path, value: str) -> None:
    if errors:
        raise ValueError(aggregate([invalid(path, value, "; ".join(errors))]))


def parse_label_selector(text: str) -> LabelSelector:
    """A selector from a query: `a=b,c!=d,e in (f,g),h notin (i),j,!k`; "" selects everything.

    Raises ValueError with what is wrong.
    """
    try:
        return LabelSelector(tuple(_Parser(text).parse()))
    except ValueError as error:
        raise ValueError(f"unable to parse requirement: {error}") from error


def label_selector_from(selector: Mapping[str, Any] | None) -> LabelSelector:
    """A selector from a metav1.LabelSelector: an empty one selects everything, a missing one nothing.

    Raises ValueError for an operator that does not exist.
    """
    if selector is None:
        return LabelSelector(selects_nothing=True)
    return LabelSelector(
        tuple(Requirement(k, Operator.IN, frozenset((v,))) for k, v in (selector.get("matchLabels") or {}).items())
        + tuple(requirement_from(e) for e in selector.get("matchExpressions") or ())
    )


def requirement_from(expression: Mapping[str, Any]) -> Requirement:
    """One of matchExpressions (label selectors, node selectors). Raises ValueError for an unknown operator."""
    word = expression.get("operator") or ""
    try:
        operator = Operator(word)
    except ValueError:
        raise ValueError(f'"{word}" is not a valid label selector operator') from None
    return Requirement(expression.get("key") or "", operator, frozenset(expression.get("values") or ()))


def selector_of_labels(labels: Mapping[str, str]) -> LabelSelector:
    """The selector that a plain mapping stands for (a Service's, a Pod's nodeSelector): each label as given."""
    return LabelSelector(tuple(Requirement(k, Operator.IN, frozenset((v,))) for k, v in labels.items()))


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One field that must be, or (`equal` false) must not be, `value`."""

    field: str
    value: str
    equal: bool = True


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Requirements that must all hold; none of them selects everything."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether an object with these fields is selected; a field that is not there counts as empty."""
        return all((fields.get(r.field, "") == r.value) is r.equal for r in self.requirements)

    def value_of(self, field: str) -> str | None:
        """The value that the selector demands of `field`, None when it demands none."""
        return next((r.value for r in self.requirements if r.field == field and r.equal), None)

    def __bool__(self) -> bool:
        return bool(self.requirements)


_TERM = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL)
_OPERATOR = re.compile(r"!=|==|=")


def parse_field_selector(text: str) -> FieldSelector:
    r"""A selector from a query: `metadata.name=a,spec.nodeName!=b`; `\,`, `\=` and `\\` stand for themselves.

    Raises ValueError with what is wrong.
    """
    requirements = []
    for term in _TERM.findall(text) if not _dangling(text) else [text]:
        found = _OPERATOR.search(term)
        if found is None:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{term}'")
        value = _unescaped(term[found.end() :])
        requirements.append(FieldRequirement(term[: found.start()], value, equal=found[0] != "!="))
    return FieldSelector(tuple(requirements))


def _dangling(text: str) -> bool:
    """Whether the text ends in a backslash that escapes nothing."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _unescaped(value: str) -> str:
    answer, characters = [], iter(value)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if escaped not in {"\\", ",", "="} or not escaped:
                raise ValueError(f"invalid field selector: invalid escape sequence: \\{escaped}")
            answer.append(escaped)
        elif character in {",", "="}:
            raise ValueError(f"invalid field selector: unescaped character in value: {character}")
        else:
            answer.append(character)
    return "".join(answer)
