"""JSON and YAML bodies into JSON values, with the fields that stand twice.

Called by the API server for every body, and by whoever reads manifests. YAML is read as kubectl and
kube-apiserver read it: YAML 1.1, but dates and `a:b` numbers stay strings, and every key becomes a string.
Page: https://kubernetes.io/docs/reference/using-api/api-concepts/#validation-for-unrecognized-or-duplicate-fields
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from podwright.api.objects import Object, copy_object

if TYPE_CHECKING:
    import yaml

YAML_PROBLEMS = "yaml: unmarshal errors:\n"
"""What comes before the fields that stand twice in a YAML body, one a line."""
MAX_DEPTH = 256
"""No kind of the API is nested half as deep; what is, is meant to break the reader."""
_MAX_NODES = 1_000_000
_TOO_DEEP = f"exceeded max depth of {MAX_DEPTH}"


def decode_json(body: bytes, *, duplicates: bool = False) -> tuple[Any, list[str]]:
    """The value of a JSON body, and `duplicate field "spec.x"` for each field that stands twice.

    Duplicates are looked for only on request; of two equal fields the last one counts.
    Raises ValueError when the body is not JSON, or nested too deeply.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        hold_depth(value)
    if not duplicates or _written_by_machine(value, body):
        return value, []
    return value, _json_duplicates(body)


def _written_by_machine(value: Any, body: bytes) -> bool:
    """Whether writing the value again gives the same bytes, blanks aside: then nothing was lost in reading it."""
    # `format` takes the blanks away without looking at what the fields are.
    return msgspec.json.encode(value) == msgspec.json.format(body, indent=-1)


def _json_duplicates(body: bytes) -> list[str]:
    repeated: dict[int, tuple[Object, list[str]]] = {}

    def keep(pairs: list[tuple[str, Any]]) -> Object:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
            repeated[id(made)] = (made, list(dict.fromkeys(twice)))
        return made

    root = json.loads(body, object_pairs_hook=keep)
    if not repeated:
        return []
    found: list[str] = []
    _name_repeated(root, "", repeated, found)
    return found


def _name_repeated(value: Any, path: str, repeated: dict[int, tuple[Object, list[str]]], found: list[str]) -> None:
    if isinstance(value, dict):
        twice = repeated.get(id(value), (value, []))[1]
        found.extend(f'duplicate field "{path}.{key}"' if path else f'duplicate field "{key}"' for key in twice)
        for key, below in value.items():
            _name_repeated(below, f"{path}.{key}" if path else key, repeated, found)
    elif isinstance(value, list):
        for i, below in enumerate(value):
            _name_repeated(below, f"{path}[{i}]", repeated, found)


def hold_depth(value: Any) -> None:
    """Raise ValueError when `value` is nested too deeply, or (by YAML aliases) is more than memory would hold."""
    level, depth, total = [value], 0, 0
    while level:
        depth += 1
        total += len(level)
        if depth > MAX_DEPTH:
            raise ValueError(_TOO_DEEP)
        if total > _MAX_NODES:
            raise ValueError("document contains excessive aliasing")
        level = [
            below
            for part in level
            for below in (part.values() if type(part) is dict else part if type(part) is list else ())
            if type(below) in (dict, list)
        ]


def decode_yaml(body: bytes, *, duplicates: bool = False) -> tuple[Any, list[str]]:
    """The value of a YAML (or JSON) body with one document, and what is said of fields that stand twice.

    Duplicates are looked for only on request. Raises ValueError when the body is not YAML, holds several
    documents, or is nested too deeply.
    """
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            return decode_json(body, duplicates=duplicates)
        except ValueError:
            pass  # YAML's own flow style looks like JSON at its start
    import yaml

    try:
        _hold_yaml_depth(body)
        loader = _loader()(body)
    except yaml.YAMLError as error:
        raise ValueError(f"error converting YAML to JSON: yaml: {_yaml_problem(error)}") from None
    try:
        value = loader.get_single_data()
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except yaml.YAMLError as error:
        raise ValueError(f"error converting YAML to JSON: yaml: {_yaml_problem(error)}") from None
    finally:
        loader.dispose()
    hold_depth(value)
    repeated = "\n".join(
        f"  line {line}: key {json.dumps(key)} already set in map" for line, key in sorted(loader.repeated)
    )
    texts = [f"{YAML_PROBLEMS}{repeated}"] if duplicates and repeated else []
    # An alias makes two places share one value; after this they no longer do.
    return copy_object(value) if b"*" in body else value, texts


def _hold_yaml_depth(body: bytes) -> None:
    """Raise ValueError when `body` is nested too deeply. libyaml's composer recurses in C, and would crash."""
    import yaml

    depth = 0
    for event in yaml.parse(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(_TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"line {mark.line + 1}: {problem}" if mark else problem


@functools.cache
def _loader() -> Any:
    """PyYAML's safe loader, made to read as Kubernetes' YAML reader does. Made on first use: yaml is heavy."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class KubernetesLoader(base):  # type: ignore[misc, valid-type]
        """Reads what sigs.k8s.io/yaml reads, into what JSON can hold."""

        def __init__(self, stream: bytes) -> None:
            super().__init__(stream)
            self.repeated: list[tuple[int, str]] = []

        def construct_mapping(self, node: Any, deep: bool = False) -> Object:
            seen: set[str] = set()
            for key_node, _ in node.value:
                key = key_node.value
                if isinstance(key, str) and key_node.tag != "tag:yaml.org,2002:merge":
                    if key in seen:
                        self.repeated.append((key_node.start_mark.line + 1, key))
                    seen.add(key)
            self.flatten_mapping(node)
            made: Object = {}
            for key_node, below in node.value:
                key = self.construct_object(key_node, deep=True)
                if isinstance(key, dict | list):
                    raise yaml.constructor.ConstructorError(None, None, "invalid map key", key_node.start_mark)
                made[_key(key)] = self.construct_object(below, deep=deep)
            return made

        def construct_json_scalar(self, node: Any) -> Any:
            return _number(self.construct_scalar(node))

    # Dates stay strings; numbers are those of YAML 1.1 without its base 60.
    left_out = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
    KubernetesLoader.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] not in left_out]
        for first, pairs in base.yaml_implicit_resolvers.items()
    }
    KubernetesLoader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    KubernetesLoader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
    for tag in ("int", "float"):
        KubernetesLoader.add_constructor(f"tag:yaml.org,2002:{tag}", KubernetesLoader.construct_json_scalar)
    for tag in ("timestamp", "binary"):
        KubernetesLoader.add_constructor(f"tag:yaml.org,2002:{tag}", KubernetesLoader.construct_yaml_str)
    return KubernetesLoader


_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    if _INT.match(text):
        octal = re.fullmatch(r"([-+]?)0([0-7]+)", plain)
        return int(f"{octal[1]}0o{octal[2]}", 0) if octal else int(plain, 0)
    number = float(plain)
    # 1.0 and 1e3 reach the API as 1 and 1000, as they do through sigs.k8s.io/yaml.
    return int(number) if number.is_integer() and abs(number) < 2**63 else number


def _key(key: Any) -> str:
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case None:
            return "null"
        case _:
            return str(key)
