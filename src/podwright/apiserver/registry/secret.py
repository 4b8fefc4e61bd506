"""What is special about Secrets: the keys that each type needs, their size, and that some never change.

Called by the generic handlers through `rows.py`. No message ever holds a value.
Page: https://kubernetes.io/docs/concepts/configuration/secret/
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from podwright.api import names
from podwright.api.field import FieldError, Path, forbidden, invalid, required, too_long
from podwright.api.objects import Object, metadata
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at
from podwright.apiserver.registry.strategy import Column, Strategy

MAX_BYTES = 1024 * 1024
KEPT = "field is immutable when `immutable` is set"
_DATA = Path("data")
_REDACTED = "<secret contents redacted>"
_ACCOUNT = "kubernetes.io/service-account.name"


class SecretStrategy(Strategy):
    """Secrets."""

    columns = (
        NAME,
        Column("Type", at("type"), description="What kind of secret it is."),
        Column("Data", lambda obj, now: len(obj.get("data") or {}), description="How many entries it has."),
        AGE,
    )

    def default(self, obj: Object) -> None:
        """Type Opaque; `stringData` is written over `data` and is never kept itself."""
        if not obj.get("type"):
            obj["type"] = "Opaque"
        plain = obj.pop("stringData", None)
        if plain:
            encoded = {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}

    def validate(self, obj: Object) -> list[FieldError]:
        """Keys, size, and what the type needs."""
        errors: list[FieldError] = []
        data: dict[str, bytes] = {}
        for key, value in (obj.get("data") or {}).items():
            errors += check.obeys(_DATA.key(key), key, names.config_map_key)
            try:
                data[key] = base64.b64decode(value or "", validate=True)
            except (binascii.Error, ValueError):
                errors.append(invalid(_DATA.key(key), _REDACTED, "must be base64 text"))
        if sum(map(len, data.values())) > MAX_BYTES:
            errors.append(too_long(_DATA, MAX_BYTES))
        return errors + _by_type(obj, data)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """The type stays; an immutable secret stays altogether."""
        errors = check.unchanged(Path("type"), obj.get("type"), old.get("type"))
        return errors + immutable_errors(obj, old, ("data",)) + self.validate(obj)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """The type."""
        return {"type": obj.get("type") or ""}


def immutable_errors(obj: Object, old: Object, fields: tuple[str, ...]) -> list[FieldError]:
    """What an `immutable` ConfigMap or Secret forbids: taking the flag back, and changing `fields`."""
    if not old.get("immutable"):
        return []
    errors = [] if obj.get("immutable") else [forbidden(Path("immutable"), KEPT)]
    return errors + [forbidden(Path(f), KEPT) for f in fields if (obj.get(f) or {}) != (old.get(f) or {})]


def _by_type(obj: Object, data: Mapping[str, bytes]) -> list[FieldError]:
    match obj.get("type"):
        case "kubernetes.io/service-account-token":
            where = Path("metadata").child("annotations").key(_ACCOUNT)
            return [] if (metadata(obj).get("annotations") or {}).get(_ACCOUNT) else [required(where)]
        case "kubernetes.io/dockercfg":
            return _json(data, ".dockercfg")
        case "kubernetes.io/dockerconfigjson":
            return _json(data, ".dockerconfigjson")
        case "kubernetes.io/basic-auth":
            given = "username" in data or "password" in data
            return [] if given else [required(_DATA.key(key)) for key in ("username", "password")]
        case "kubernetes.io/ssh-auth":
            return [] if data.get("ssh-privatekey") else [required(_DATA.key("ssh-privatekey"))]
        case "kubernetes.io/tls":
            return [required(_DATA.key(key)) for key in ("tls.crt", "tls.key") if key not in data]
    return []


def _json(data: Mapping[str, bytes], key: str) -> list[FieldError]:
    where = _DATA.key(key)
    if key not in data:
        return [required(where)]
    if not data[key].strip():
        return [invalid(where, _REDACTED, "unexpected end of JSON input")]
    try:
        good = isinstance(json.loads(data[key]), dict)
    except (ValueError, RecursionError) as wrong:
        # The decoder's own words name a place, never a value.
        reason = wrong.msg if isinstance(wrong, json.JSONDecodeError) else "it cannot be decoded"
        return [invalid(where, _REDACTED, f"invalid JSON: {reason}")]
    return [] if good else [invalid(where, _REDACTED, "must be a JSON object")]
