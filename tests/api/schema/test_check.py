"""What the schema lets through, prunes, normalises and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.api.schema import Schema, decode_json

POD = "io.k8s.api.core.v1.Pod"
SECRET = "io.k8s.api.core.v1.Secret"
EVENT = "io.k8s.api.events.v1.Event"


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load([POD, SECRET])


def pod(**container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {"containers": [{"name": "c", "image": "i", **container}]},
    }


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"ports": [{"containerPort": 80, "hostPort": 2**31 - 1}]}, id="int32 up to its largest"),
        pytest.param({"readinessProbe": {"httpGet": {"port": "http"}}}, id="int-or-string takes a string"),
        pytest.param({"readinessProbe": {"httpGet": {"port": 80}}}, id="int-or-string takes an integer"),
        pytest.param({"resources": {"limits": {"cpu": "500m", "memory": "64Mi"}}}, id="canonical quantities"),
        pytest.param({"securityContext": {"runAsUser": 2**40, "privileged": True}}, id="int64 and booleans"),
    ],
)
def test_an_object_without_fault_comes_back_itself(schema: Schema, extra: dict[str, Any]) -> None:
    obj = pod(**extra)
    checked = schema.check(obj, POD)
    assert checked.obj is obj
    assert not checked.unknown
    assert not checked.errors


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        pytest.param({"image": None}, {}, id="a null field is not set"),
        pytest.param({"args": ["a", None]}, {"args": ["a", ""]}, id="a null element is the zero value"),
        pytest.param({"env": [None]}, {"env": [{}]}, id="a null element of objects is an empty object"),
        pytest.param(
            {"resources": {"limits": {"cpu": "0.5", "memory": "1024Mi", "gpu": None}}},
            {"resources": {"limits": {"cpu": "500m", "memory": "1Gi", "gpu": "0"}}},
            id="quantities become canonical",
        ),
        pytest.param(
            {"resources": {"limits": {"cpu": 2}}}, {"resources": {"limits": {"cpu": "2"}}}, id="number as quantity"
        ),
    ],
)
def test_values_are_normalised(schema: Schema, given: dict[str, Any], taken: dict[str, Any]) -> None:
    obj = pod()
    obj["spec"]["containers"][0] = given
    checked = schema.check(obj, POD)
    assert checked.obj["spec"]["containers"] == [taken]
    assert not checked.errors
    assert obj["spec"]["containers"] == [given], "the given object is never changed"


def test_times_become_utc(schema: Schema) -> None:
    obj = {"metadata": {"creationTimestamp": "2026-01-02T03:04:05.6+02:00"}}
    assert schema.check(obj, POD).obj == {"metadata": {"creationTimestamp": "2026-01-02T01:04:05Z"}}


def test_micro_times_keep_six_digits(schema: Schema) -> None:
    obj = {"eventTime": "2026-01-02T03:04:05Z"}
    assert schema.check(obj, EVENT).obj == {"eventTime": "2026-01-02T03:04:05.000000Z"}


def test_unknown_fields_are_named_and_dropped(schema: Schema) -> None:
    obj = pod(imagePullpolicy="Always", ports=[{"containerPort": 1}, {"containerPort": 2, "nope": {"deep": 1}}])
    checked = schema.check({**obj, "extra": []}, POD)
    assert checked.unknown == ["spec.containers[0].imagePullpolicy", "spec.containers[0].ports[1].nope", "extra"]
    assert checked.obj == pod(ports=[{"containerPort": 1}, {"containerPort": 2}])


@pytest.mark.parametrize(
    ("key", "obj", "path", "message"),
    [
        pytest.param(
            POD,
            pod(ports=[{"containerPort": "80"}]),
            "spec.containers[0].ports[0].containerPort",
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort"
            " of type int32",
            id="a string where an integer belongs",
        ),
        pytest.param(
            POD,
            pod(env=[{"name": "a", "value": 1}]),
            "spec.containers[0].env[0].value",
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
            id="a number where a string belongs",
        ),
        pytest.param(
            POD,
            {"metadata": {"labels": {"a": True}}},
            "metadata.labels.a",
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string",
            id="a boolean among the labels",
        ),
        pytest.param(
            POD,
            {"spec": {"containers": {"name": "a"}}},
            "spec.containers",
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
            id="an object where a list belongs",
        ),
        pytest.param(
            POD,
            pod(ports=[{"containerPort": 2**31}]),
            "spec.containers[0].ports[0].containerPort",
            "json: cannot unmarshal number 2147483648 into Go struct field"
            " ContainerPort.spec.containers.ports.containerPort of type int32",
            id="an integer too large",
        ),
        pytest.param(
            POD,
            [],
            "<nil>",
            "json: cannot unmarshal array into Go value of type v1.Pod",
            id="not an object at all",
        ),
        pytest.param(
            POD,
            {"metadata": {"deletionTimestamp": "yesterday"}},
            "metadata.deletionTimestamp",
            'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday"',
            id="not a time",
        ),
        pytest.param(
            SECRET,
            {"data": {"a": "ab*d"}},
            "data.a",
            "illegal base64 data at input byte 2",
            id="not base64",
        ),
        pytest.param(
            POD,
            pod(resources={"limits": {"cpu": "much"}}),
            "spec.containers[0].resources.limits.cpu",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            id="not a quantity",
        ),
    ],
)
def test_wrong_values_are_said_as_the_decoder_says_them(
    schema: Schema, key: str, obj: Any, path: str, message: str
) -> None:
    checked = schema.check(obj, key)
    assert [str(error.path) for error in checked.errors] == [path]
    assert checked.message == message
    kind = key.rpartition(".")[2]
    assert str(checked.bad_request(kind, "v1")) == f'{kind} in version "v1" cannot be handled as a {kind}: {message}'


def test_a_flood_of_faults_is_cut_off(schema: Schema) -> None:
    checked = schema.check(
        {f"f{i}": 1 for i in range(1000)} | {"metadata": {"labels": {str(i): 1 for i in range(1000)}}}, POD
    )
    assert len(checked.unknown) == 100
    assert len(checked.errors) == 100


def test_list_and_patch_facts_of_the_published_schema(schema: Schema) -> None:
    spec = schema.node(POD).fields["spec"]
    containers = spec.fields["containers"]
    assert (containers.list_keys, containers.merge_key, containers.atomic) == (("name",), "name", False)
    assert containers.item is not None
    ports = containers.item.fields["ports"]
    assert ports.list_keys == ("containerPort", "protocol")
    assert ports.key_defaults == {"protocol": "TCP"}
    assert containers.item.fields["args"].atomic
    assert spec.fields["volumes"].patch_strategy == {"merge", "retainKeys"}
    assert schema.node(POD).fields["metadata"].fields["finalizers"].set_list
    assert spec.fields["nodeSelector"].atomic


def test_an_unknown_key_is_a_key_error(schema: Schema) -> None:
    with pytest.raises(KeyError):
        schema.node("io.k8s.api.core.v1.Nothing")


KEYS = st.sampled_from(
    [
        *("metadata", "labels", "creationTimestamp", "managedFields", "fieldsV1", "spec", "containers", "name", "x"),
        *("ports", "containerPort", "resources", "limits", "cpu", "status", "finalizers", "readinessProbe", "port"),
        *("httpGet", "nodeSelector"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["1", "1Gi", "0.5", "1e3", "2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z"])
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


@given(VALUES)
def test_whatever_is_sent_is_answered_and_what_is_taken_stays_taken(schema: Schema, value: Any) -> None:
    checked = schema.check(value, POD)
    if not checked.errors:
        again = schema.check(checked.obj, POD)
        assert again.obj == checked.obj
        assert not again.unknown
        assert not again.errors


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("9" * 30, id="more than 64 bits"),
        pytest.param("9" * 5000, id="more digits than Python reads"),
        pytest.param("1e400", id="larger than a double"),
        pytest.param("1.5", id="a fraction"),
        pytest.param("-0", id="minus zero"),
    ],
)
def test_odd_numbers(schema: Schema, number: str) -> None:
    body = b'{"spec": {"terminationGracePeriodSeconds": %s}}' % number.encode()
    try:
        value, _ = decode_json(body, duplicates=True)
    except ValueError:
        return
    checked = schema.check(value, POD)
    assert checked.obj == {"spec": {"terminationGracePeriodSeconds": 0}} or checked.errors
