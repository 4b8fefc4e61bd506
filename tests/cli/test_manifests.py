"""Objects out of files."""

from __future__ import annotations

import pytest

from podwright.cli.manifests import ManifestError, parse

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        pytest.param(
            POD + "---\n" + POD.replace("Pod", "Secret") + "---\n",
            ["Pod", "Secret"],
            id="documents, an empty one left out",
        ),
        pytest.param('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}', ["Pod"], id="JSON"),
        pytest.param(
            '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}',
            ["Pod"],
            id="a List is what is in it",
        ),
    ],
)
def test_objects(text: str, kinds: list[str]) -> None:
    assert [obj["kind"] for obj in parse(text, "f")] == kinds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: b: c", "f, line 1: mapping values are not allowed in this context", id="not YAML"),
        pytest.param("- 1", "f, document 1: a mapping with apiVersion and kind is wanted, not list", id="a list"),
        pytest.param("kind: Pod", "f, document 1: apiVersion is missing", id="no apiVersion"),
        pytest.param("apiVersion: v1\nkind: 5", "f, document 1: kind is missing", id="a kind that is no text"),
        pytest.param(POD + "---\napiVersion: v1\nkind: Pod", "f, document 2: metadata.name is missing", id="no name"),
        pytest.param(
            "!!python/object:os.system {}", "f, line 1: could not determine a constructor", id="no code is made"
        ),
        pytest.param("[" * 3000, "f", id="deep nesting"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as refused:
        list(parse(text, "f"))
    assert str(refused.value).startswith(message)
