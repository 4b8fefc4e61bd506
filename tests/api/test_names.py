from __future__ import annotations

import pytest

from podwright.api import names

LABEL_SYNTAX = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_SYNTAX = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def test_a_label() -> None:
    assert names.dns_label("my-name") == []
    assert names.dns_label("A") == [LABEL_SYNTAX]
    assert names.dns_label("a.b") == ["must not contain dots"]
    assert names.dns_label("a" * 64) == ["must be no more than 63 bytes"]
    assert names.dns_label("a\n") == [LABEL_SYNTAX]
    assert names.dns_label("é") == [LABEL_SYNTAX]


def test_a_subdomain() -> None:
    assert names.dns_subdomain("a.b-c.d") == []
    assert names.dns_subdomain("a..b") == [SUBDOMAIN_SYNTAX]
    assert names.dns_subdomain("web-") == [SUBDOMAIN_SYNTAX]
    assert names.dns_subdomain("web-", prefix=True) == []
    assert names.dns_subdomain("-", prefix=True) == [SUBDOMAIN_SYNTAX]


def test_a_service_name_starts_with_a_letter() -> None:
    assert names.dns1035_label("a1") == []
    assert names.dns1035_label("1a")[0].startswith("a DNS-1035 label must consist of")


def test_a_qualified_name() -> None:
    assert names.qualified_name("app.kubernetes.io/name") == []
    assert names.qualified_name("Name_1.x") == []
    assert names.qualified_name("/a") == ["prefix part must be non-empty"]
    assert names.qualified_name("a/")[0] == "name part must be non-empty"
    assert names.qualified_name("a/b/c")[0].startswith("a qualified name must consist of alphanumeric characters")
    assert names.qualified_name("a b")[0].startswith("name part must consist of alphanumeric characters")
    assert names.qualified_name("A/b") == [f"prefix part {SUBDOMAIN_SYNTAX}"]


def test_a_label_value() -> None:
    assert names.label_value("") == []
    assert names.label_value("a_b.c-d") == []
    assert names.label_value("-a")[0].startswith("a valid label must be an empty string or consist of")


def test_a_config_map_key() -> None:
    assert names.config_map_key(".dockerconfigjson") == []
    assert names.config_map_key("..") == ["must not be '..'"]
    assert names.config_map_key("..a") == ["must not start with '..'"]
    assert names.config_map_key("a/b")[0].startswith("a valid config key must consist of")


def test_a_port_name() -> None:
    assert names.port_name("http-1") == []
    assert names.port_name("123") == ["must contain at least one letter (a-z)"]
    assert names.port_name("a--b") == ["must not contain consecutive hyphens"]
    assert names.port_name("a" * 16) == ["must be no more than 15 bytes"]
    assert names.port_name("-a") == ["must not begin or end with a hyphen"]


def test_an_ip_address() -> None:
    assert names.ip_address("10.0.0.1") == []
    assert names.ip_address("2001:db8::1") == []
    assert names.ip_address("fe80::1%eth0") == names.ip_address("010.0.0.1") == names.ip_address("x")
    assert names.ip_address("x") == ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]


@pytest.mark.parametrize("good", ["A", "my.env-1", "1A", "a b", "a:b"])
def test_an_environment_variable_may_be_named(good: str) -> None:
    assert names.env_var_name(good) == []


@pytest.mark.parametrize("bad", ["A=B", "é", "a\tb"])
def test_an_environment_variable_may_not_be_named(bad: str) -> None:
    assert names.env_var_name(bad) == [
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
    ]
    assert names.env_var_name("") == ["environment variable name must be non-empty"]
