from __future__ import annotations

import pytest
from multidict import CIMultiDict
from tests.apiserver.authorization.judged import authorizer, binding, default_policies, role, rule, user

from podwright.admission.interface import User
from podwright.api.errors import BadRequest, Forbidden
from podwright.apiserver.filters.authz import Authorizer
from podwright.apiserver.filters.impersonation import completed, impersonated, wanted

ANN, ADMIN = user("ann"), user("admin", "system:masters")
AUTHN = "authentication.k8s.io"


def headers(*pairs: tuple[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((f"Impersonate-{name}", value) for name, value in pairs)


def judge(*rules: object) -> Authorizer:
    """Ann has these rules everywhere."""
    policies = default_policies()
    policies.put_role("", "ann", role(*rules))  # type: ignore[arg-type]
    policies.put_binding("", "ann", binding("ClusterRole", "ann", {"kind": "User", "name": "ann"}))
    return authorizer(policies)


def test_who_says_nothing_stays_who_he_is() -> None:
    assert impersonated(ANN, CIMultiDict({"Accept": "*/*"}), judge()) is ANN


def test_everything_that_can_be_said() -> None:
    said = headers(
        ("User", "bob"), ("Group", "dev"), ("Group", "ops"), ("Uid", "7"), ("Extra-Example.com%2fTeam", "a"),
        ("Extra-example.com%2Fteam", "b"),
    )  # fmt: skip
    assert wanted(said) == User("bob", ("dev", "ops"), "7", {"example.com/team": ("a", "b")})


@pytest.mark.parametrize("name", ["Group", "Uid", "Extra-a"])
def test_nobody_has_no_groups(name: str) -> None:
    with pytest.raises(BadRequest, match="requested impersonation without impersonating a user"):
        impersonated(ADMIN, headers((name, "x")), judge())


@pytest.mark.parametrize(
    ("named", "groups"),
    [
        pytest.param(User("bob"), ("system:authenticated",), id="a user"),
        pytest.param(User("bob", ("dev",)), ("dev", "system:authenticated"), id="with a group"),
        pytest.param(User("bob", ("system:unauthenticated",)), ("system:unauthenticated",), id="unauthenticated"),
        pytest.param(User("system:anonymous"), ("system:unauthenticated",), id="nobody"),
        pytest.param(
            User("system:serviceaccount:ns:sa"),
            ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            id="an account",
        ),
        pytest.param(
            User("system:serviceaccount:ns:sa", ("dev",)), ("dev", "system:authenticated"), id="an account in a group"
        ),
    ],
)
def test_groups_that_everybody_is_in(named: User, groups: tuple[str, ...]) -> None:
    assert completed(named).groups == groups


@pytest.mark.parametrize(
    ("given", "said", "refused"),
    [
        pytest.param(rule("impersonate", "users"), [("User", "bob")], "", id="any user"),
        pytest.param(rule("impersonate", "users", resourceNames=["bob"]), [("User", "bob")], "", id="that user"),
        pytest.param(
            rule("impersonate", "users", resourceNames=["bob"]),
            [("User", "eve")],
            'users "eve" is forbidden: User "ann" cannot impersonate resource "users" in API group "" at the cluster '
            "scope",
            id="another user",
        ),
        pytest.param(
            rule("impersonate", "users"),
            [("User", "bob"), ("Group", "system:masters")],
            'groups "system:masters" is forbidden: User "ann" cannot impersonate resource "groups" in API group "" at '
            "the cluster scope",
            id="a group is another right",
        ),
        pytest.param(
            rule("impersonate", "users"),
            [("User", "bob"), ("Uid", "7")],
            f'uids.{AUTHN} "7" is forbidden: User "ann" cannot impersonate resource "uids" in API group "{AUTHN}" at '
            "the cluster scope",
            id="a uid is another right",
        ),
        pytest.param(
            rule("impersonate", "users"),
            [("User", "bob"), ("Extra-scopes", "all")],
            f'userextras.{AUTHN} "all" is forbidden: User "ann" cannot impersonate resource "userextras/scopes" in API '
            f'group "{AUTHN}" at the cluster scope',
            id="and so is what else is said",
        ),
        pytest.param(
            rule("impersonate", "users"),
            [("User", "system:serviceaccount:ns:sa")],
            'serviceaccounts "sa" is forbidden: User "ann" cannot impersonate resource "serviceaccounts" in API group '
            '"" in the namespace "ns"',
            id="an account is no user",
        ),
        pytest.param(rule("impersonate", "serviceaccounts"), [("User", "system:serviceaccount:ns:sa")], "", id="this"),
    ],
)  # fmt: skip
def test_what_it_takes(given: object, said: list[tuple[str, str]], refused: str) -> None:
    if not refused:
        assert impersonated(ANN, headers(*said), judge(given)).name == said[0][1]
        return
    with pytest.raises(Forbidden) as wrong:
        impersonated(ANN, headers(*said), judge(given))
    assert wrong.value.message == refused
