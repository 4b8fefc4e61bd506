from __future__ import annotations

import pytest

from podwright.apiserver.authorization.coverage import compacted, missing, told
from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.authorization.words import rule

PODS = rule("get list", "", "pods")
ALL = [rule("*", "*", "*"), Rule(("*",), paths=("*",))]
METRICS = Rule(("get",), paths=("/metrics",))


@pytest.mark.parametrize(
    ("held", "granted", "covered"),
    [
        pytest.param([], [PODS], False, id="nothing covers nothing"),
        pytest.param([PODS], [PODS], True, id="the same"),
        pytest.param([PODS], [rule("get", "", "pods")], True, id="less"),
        pytest.param([rule("get", "", "pods")], [PODS], False, id="a verb more"),
        pytest.param([rule("get", "", "pods"), rule("list", "", "pods")], [PODS], True, id="several rules together"),
        pytest.param([rule("get list", "apps", "pods")], [PODS], False, id="another group"),
        pytest.param(ALL, [PODS, METRICS, rule("*", "*", "*")], True, id="everything covers everything"),
        pytest.param([rule("*", "", "pods")], [rule("*", "", "pods")], True, id="every verb"),
        pytest.param([PODS], [rule("*", "", "pods")], False, id="every verb is more than some"),
        pytest.param([PODS], [rule("get", "", "pods", "a")], True, id="one name of all"),
        pytest.param([rule("get", "", "pods", "a")], [rule("get", "", "pods")], False, id="all names of one"),
        pytest.param([rule("get", "", "pods", "a b")], [rule("get", "", "pods", "b")], True, id="one name of two"),
        pytest.param([rule("get", "", "*/scale")], [rule("get", "", "pods/scale")], True, id="a subresource of all"),
        pytest.param([rule("get", "", "*/scale")], [rule("get", "", "pods/log")], False, id="another subresource"),
        pytest.param([rule("get", "", "pods")], [rule("get", "", "pods/log")], False, id="its subresource"),
        pytest.param([Rule(("get",), paths=("/a/*",))], [Rule(("get",), paths=("/a/b",))], True, id="a path below"),
        pytest.param([Rule(("get",), paths=("/a",))], [Rule(("get",), paths=("/a/b",))], False, id="a path beside"),
    ],
)  # fmt: skip
def test_what_covers_what(held: list[Rule], granted: list[Rule], covered: bool) -> None:
    assert (not missing(held, granted)) is covered


def test_missing_rights_are_told_one_a_resource() -> None:
    lacking = missing([rule("get", "", "pods")], [rule("get list watch", "", "pods nodes"), METRICS])
    assert told(lacking).splitlines() == [
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list" "watch"]}',
        '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
    ]


def test_names_are_kept_apart() -> None:
    rules = compacted([rule("get", "", "pods", "a"), rule("list", "", "pods", "a"), rule("get", "", "pods")])
    assert list(map(str, rules)) == [
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}',
        '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
    ]
