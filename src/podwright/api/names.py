"""What a name, a label or a key may look like, and the texts that say what is wrong with one.

Who calls it: the API server's validation, for every object; the credential and environment code for keys.
Each function takes the text and returns what is wrong with it, in kube-apiserver's words; nothing means it is good.
Lengths are in bytes.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field

EMPTY = "must be non-empty"


@dataclass(frozen=True, slots=True)
class _Rule:
    """A regular expression and the sentence that explains it."""

    sentence: str
    pattern: str
    examples: tuple[str, ...]
    holds: Callable[[str], re.Match[str] | None] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "holds", re.compile(self.pattern, re.ASCII).fullmatch)

    def good(self, text: str, limit: int) -> bool:
        # What any of the patterns matches is ASCII, so that characters are bytes.
        return len(text) <= limit and self.holds(text) is not None

    def error(self) -> str:
        # The two spaces before "or" are what kube-apiserver prints.
        shown = " or ".join(f"'{example}', " for example in self.examples)
        return f"{self.sentence} (e.g. {shown}regex used for validation is '{self.pattern}')"


_ENDS = "and must start and end with an alphanumeric character"
_NAME_CHARS = "alphanumeric characters, '-', '_' or '.'"
_LABEL_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED_PATTERN = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_DNS_LABEL = _Rule(
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS}",
    _LABEL_PATTERN,
    ("my-name", "123-abc"),
)
_DNS_SUBDOMAIN = _Rule(
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ENDS}",
    rf"{_LABEL_PATTERN}(\.{_LABEL_PATTERN})*",
    ("example.com",),
)
_DNS1035_LABEL = _Rule(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    ("my-name", "abc-123"),
)
_QUALIFIED_NAME = _Rule(f"must consist of {_NAME_CHARS}, {_ENDS}", _QUALIFIED_PATTERN, ("MyName", "my.name", "123-abc"))
_LABEL_VALUE = _Rule(
    f"a valid label must be an empty string or consist of {_NAME_CHARS}, {_ENDS}",
    f"({_QUALIFIED_PATTERN})?",
    ("MyValue", "my_value", "12345"),
)
_CONFIG_MAP_KEY = _Rule(
    f"a valid config key must consist of {_NAME_CHARS}", "[-._a-zA-Z0-9]+", ("key.name", "KEY_NAME", "key-name")
)
_PORT_NAME = re.compile("[-a-z0-9]+").fullmatch
_LETTER = re.compile("[a-z]").search
_ENV_VAR_NAME = re.compile("[ -<>-~]*").fullmatch
_ENV_VAR_WRONG = "a valid environment variable name must consist only of printable ASCII characters other than '='"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _too_long(text: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} bytes"] if _size(text) > limit else []


def _checked(text: str, rule: _Rule, limit: int) -> list[str]:
    if rule.good(text, limit):
        return []
    return _too_long(text, limit) + ([] if rule.holds(text) else [rule.error()])


def _unmasked(text: str) -> str:
    """A generateName prefix may end in the dash that a random suffix will follow."""
    return f"{text[:-2]}a" if len(text) > 1 and text.endswith("-") else text


def dns_label(text: str, *, prefix: bool = False) -> list[str]:
    """RFC 1123 label: namespaces, containers, volumes, runtime handlers. `prefix`: it is a generateName."""
    text = _unmasked(text) if prefix else text
    if _DNS_LABEL.good(text, 63):
        return []
    errors = _too_long(text, 63)
    if not _DNS_LABEL.holds(text):
        errors.append("must not contain dots" if _DNS_SUBDOMAIN.holds(text) else _DNS_LABEL.error())
    return errors


def dns1035_label(text: str, *, prefix: bool = False) -> list[str]:
    """RFC 1035 label: services. `prefix`: it is a generateName."""
    return _checked(_unmasked(text) if prefix else text, _DNS1035_LABEL, 63)


def dns_subdomain(text: str, *, prefix: bool = False) -> list[str]:
    """RFC 1123 subdomain: most objects. `prefix`: it is a generateName."""
    return _checked(_unmasked(text) if prefix else text, _DNS_SUBDOMAIN, 253)


def qualified_name(text: str) -> list[str]:
    """Label and annotation keys, resource names, finalizers: `name` or `prefix/name`."""
    errors: list[str] = []
    before, slash, last = text.rpartition("/")
    if _QUALIFIED_NAME.good(last, 63) and (not slash or _DNS_SUBDOMAIN.good(before, 253)):
        return []
    parts = text.split("/")
    if len(parts) > 2:
        return [
            f"a qualified name {_QUALIFIED_NAME.error()} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    if len(parts) == 2:
        errors = [f"prefix part {e}" for e in ([EMPTY] if not parts[0] else dns_subdomain(parts[0]))]
    name = parts[-1]
    if not name:
        errors.append(f"name part {EMPTY}")
    return errors + [f"name part {e}" for e in _checked(name, _QUALIFIED_NAME, 63)]


def label_value(text: str) -> list[str]:
    """The value of a label."""
    return _checked(text, _LABEL_VALUE, 63)


def config_map_key(text: str) -> list[str]:
    """A key of a ConfigMap's or Secret's data; also a file name, hence no `..`."""
    return _checked(text, _CONFIG_MAP_KEY, 253) + _climbs(text)


def _climbs(text: str) -> list[str]:
    if text in {".", ".."}:
        return [f"must not be '{text}'"]
    return ["must not start with '..'"] if text.startswith("..") else []


def port_name(text: str) -> list[str]:
    """An IANA service name: named container ports."""
    errors = _too_long(text, 15)
    if not _PORT_NAME(text):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not _LETTER(text):
        errors.append("must contain at least one letter (a-z)")
    if "--" in text:
        errors.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def ip_address(text: str) -> list[str]:
    """An IPv4 or IPv6 address."""
    try:
        zoned = "%" in text
        ipaddress.ip_address(text)
    except ValueError:
        zoned = True
    return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"] if zoned else []


def env_var_name(text: str) -> list[str]:
    """The name of an environment variable, under the rule in force since v1.34."""
    if not text:
        return [f"environment variable name {EMPTY}"]
    return [] if _ENV_VAR_NAME(text) else [_ENV_VAR_WRONG]


def path_segment(text: str, *, prefix: bool = False) -> list[str]:
    """Whatever can stand between two slashes of a path: roles and bindings. `prefix`: it is a generateName."""
    errors = [] if prefix or text not in {".", ".."} else [f"may not be '{text}'"]
    return errors + [f"may not contain '{character}'" for character in "/%" if character in text]
