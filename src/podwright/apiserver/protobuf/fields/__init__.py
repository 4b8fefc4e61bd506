"""Field numbers of the API's types in protobuf: published protocol, as data.

One line a type: its fields in the order of their numbers, which count up from 1; `3=name` sets the number. `name:code`
gives the type: none is text, `i` integer, `b` boolean, `d` double, `y` bytes, `T` Time, `M` MicroTime, `Q` Quantity,
`I` IntOrString, `R` RawExtension, `F` FieldsV1, `E` a list of strings, else another line. Marks before it: `?` may be
absent (so that zero says something), `*` list, `%` map from strings. `~` instead of a name: its fields stand in the
parent's JSON. Read by `decode.py` alone.
Source: the protobuf tags of k8s.io/api and k8s.io/apimachinery v0.36.
"""

from __future__ import annotations

from collections.abc import Mapping

from podwright.apiserver.protobuf.fields.core import CORE
from podwright.apiserver.protobuf.fields.groups import GROUPS

FIELDS: Mapping[str, str] = {**CORE, **GROUPS}
