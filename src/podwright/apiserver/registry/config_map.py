"""What is special about ConfigMaps: keys that can be file names, a size limit, and that some never change.

Called by the generic handlers through `rows.py`. Page: https://kubernetes.io/docs/concepts/configuration/configmap/
"""

from __future__ import annotations

import base64
import binascii

from podwright.api import names
from podwright.api.field import FieldError, Path, invalid, too_long
from podwright.api.objects import Object
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME
from podwright.apiserver.registry.secret import MAX_BYTES, immutable_errors
from podwright.apiserver.registry.strategy import Column, Strategy


class ConfigMapStrategy(Strategy):
    """ConfigMaps."""

    columns = (
        NAME,
        Column(
            "Data",
            lambda obj, now: len(obj.get("data") or {}) + len(obj.get("binaryData") or {}),
            description="How many entries it has.",
        ),
        AGE,
    )

    def validate(self, obj: Object) -> list[FieldError]:
        """Keys and size; a key stands in `data` or in `binaryData`, not in both."""
        text, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        errors: list[FieldError] = []
        size = 0
        for key, value in text.items():
            where = Path("data").key(key)
            errors += check.obeys(where, key, names.config_map_key)
            if key in binary:
                errors.append(invalid(where, key, "duplicate of key present in binaryData"))
            size += len((value or "").encode("utf-8", "surrogatepass"))
        for key, value in binary.items():
            where = Path("binaryData").key(key)
            errors += check.obeys(where, key, names.config_map_key)
            try:
                size += len(base64.b64decode(value or "", validate=True))
            except (binascii.Error, ValueError):
                errors.append(invalid(where, value, "must be base64 text"))
        if size > MAX_BYTES:
            errors.append(too_long(Path(), MAX_BYTES))
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """An immutable ConfigMap stays as it is."""
        return immutable_errors(obj, old, ("data", "binaryData")) + self.validate(obj)
