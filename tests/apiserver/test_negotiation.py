from __future__ import annotations

import pytest

from podwright.api.errors import NotAcceptable
from podwright.apiserver.negotiation import JSON, YAML, Accepted, Form, negotiate

KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        pytest.param("", Accepted(), id="nothing means JSON"),
        pytest.param("*/*", Accepted(), id="anything means JSON"),
        pytest.param(KUBECTL, Accepted(JSON, Form.TABLE), id="kubectl get"),
        pytest.param(
            "application/vnd.kubernetes.protobuf,application/json", Accepted(), id="JSON where protobuf is first"
        ),
        pytest.param("application/yaml", Accepted(YAML), id="YAML"),
        pytest.param("application/json;q=0.1,application/yaml", Accepted(YAML), id="quality counts"),
        pytest.param("application/json;as=Table;v=v9;g=meta.k8s.io,*/*", Accepted(), id="an unknown table version"),
        pytest.param(
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            Accepted(JSON, Form.METADATA),
            id="metadata only",
        ),
    ],
)
def test_the_first_form_that_can_be_written(accept: str, wanted: Accepted) -> None:
    assert negotiate(accept) == wanted


def test_none_of_them() -> None:
    with pytest.raises(NotAcceptable):
        negotiate("application/vnd.kubernetes.protobuf")


def test_what_has_no_rows_is_no_table() -> None:
    table = "application/json;as=Table;g=meta.k8s.io;v=v1"
    assert negotiate(f"{table},application/json", objects_only=True) == Accepted()
    with pytest.raises(NotAcceptable):
        negotiate(table, objects_only=True)
