"""The file of --admission-control-config-file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podwright.admission.configuration import (
    AdmissionConfiguration,
    AdmissionConfigurationError,
    decode,
    load,
)
from podwright.api.field import FieldError

SECURITY: dict[str, Any] = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1",
    "kind": "PodSecurityConfiguration",
    "defaults": {"enforce": "baseline", "enforce-version": "v1.30", "audit": "restricted", "warn-version": "latest"},
    "exemptions": {"usernames": ["jane"], "runtimeClasses": ["gvisor"], "namespaces": ["kube-system", "ci"]},
}


def whole(*plugins: Any) -> dict[str, Any]:
    return {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": list(plugins)}


def security(**changed: Any) -> dict[str, Any]:
    return {"name": "PodSecurity", "configuration": {**SECURITY, **changed}}


def no_file(name: str) -> Any:
    raise AdmissionConfigurationError(f"{name}: No such file or directory")


def read(data: Any) -> tuple[AdmissionConfiguration, list[str]]:
    errors: list[FieldError] = []
    found = decode(data, no_file, errors)
    return found, [str(error) for error in errors]


def test_what_it_says_of_pod_security() -> None:
    found, errors = read(whole(security()))
    assert errors == []
    told = found.pod_security
    assert [str(told.defaults.enforce), str(told.defaults.audit), str(told.defaults.warn)] == [
        "baseline:v1.30",
        "restricted:latest",
        "privileged:latest",
    ]
    assert (told.usernames, told.runtime_classes, told.namespaces) == ({"jane"}, {"gvisor"}, {"kube-system", "ci"})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(whole(), id="no plugins"),
        pytest.param({**whole(), "plugins": None}, id="no list of plugins"),
        pytest.param(whole({"name": "PodSecurity"}), id="a plugin that is told nothing"),
        pytest.param(whole(security(defaults={}, exemptions={})), id="nothing but names of fields"),
        pytest.param(
            whole(security(defaults={"enforce": "", "enforce-version": ""}, exemptions=None)), id="empty is left out"
        ),
        pytest.param(
            whole(security(apiVersion="pod-security.admission.config.k8s.io/v1beta1", defaults={}, exemptions={})),
            id="an older version",
        ),
    ],
)
def test_what_says_nothing(data: Any) -> None:
    assert read(data) == (AdmissionConfiguration(), [])


AT = "plugins[0].configuration"


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        pytest.param(
            [], ["<nil>: Invalid value: []: must be an object", 'kind: Unsupported value: null: supported values: '
            '"AdmissionConfiguration"'], id="a list"
        ),
        pytest.param(
            {**whole(), "kind": "KubeletConfiguration"},
            ['kind: Unsupported value: "KubeletConfiguration": supported values: "AdmissionConfiguration"'],
            id="another kind",
        ),
        pytest.param(
            {**whole(), "apiVersion": "apiserver.config.k8s.io/v9"},
            ['apiVersion: Unsupported value: "apiserver.config.k8s.io/v9": supported values: '
            '"apiserver.config.k8s.io/v1"'],
            id="another version",
        ),
        pytest.param(
            {**whole(), "plugin": []},
            ['plugin: Unsupported value: "plugin": supported values: "apiVersion", "kind", "plugins"'],
            id="a field that there is not",
        ),
        pytest.param({**whole(), "plugins": {}}, ["plugins: Invalid value: {}: must be an array"], id="no array"),
        pytest.param(
            whole({"name": "EventRateLimit", "path": "limits.yaml"}),
            ['plugins[0].name: Unsupported value: "EventRateLimit": supported values: "PodSecurity"'],
            id="another plugin",
        ),
        pytest.param(whole({"path": "x"}), ["plugins[0].name: Required value"], id="no name"),
        pytest.param(
            whole(security(), security()), ['plugins[1].name: Duplicate value: "PodSecurity"'], id="told twice"
        ),
        pytest.param(
            whole({"name": "PodSecurity", "path": "lost.yaml"}),
            ['plugins[0].path: Invalid value: "lost.yaml": lost.yaml: No such file or directory'],
            id="a file that is not there",
        ),
        pytest.param(
            whole({"name": "PodSecurity", "path": 7}),
            ["plugins[0].path: Invalid value: 7: must be a string"],
            id="a file without a name",
        ),
        pytest.param(
            whole(security(kind="Webhooks")),
            [f'{AT}.kind: Unsupported value: "Webhooks": supported values: "PodSecurityConfiguration"'],
            id="another kind of configuration",
        ),
        pytest.param(
            whole(security(apiVersion="v1")),
            [f'{AT}.apiVersion: Unsupported value: "v1": supported values: "pod-security.admission.config.k8s.io/v1", '
             '"pod-security.admission.config.k8s.io/v1beta1", "pod-security.admission.config.k8s.io/v1alpha1"'],
            id="another version of it",
        ),
        pytest.param(
            whole(security(defaults={"enforce": "strict", "warn-version": "1.30", "audits": "x"})),
            [
                f'{AT}.defaults.audits: Unsupported value: "audits": supported values: "enforce", "enforce-version", '
                '"audit", "audit-version", "warn", "warn-version"',
                f'{AT}.defaults.enforce: Invalid value: "strict": must be one of privileged, baseline, restricted',
                f'{AT}.defaults.warn-version: Invalid value: "1.30": must be "latest" or "v1.x"',
            ],
            id="defaults that mean nothing",
        ),
        pytest.param(
            whole(security(defaults=["baseline"])),
            [f'{AT}.defaults: Invalid value: ["baseline"]: must be an object'],
            id="no defaults",
        ),
        pytest.param(
            whole(security(exemptions={"usernames": ["", 7], "namespaces": ["a", "a"], "runtimeClasses": "x"})),
            [
                f'{AT}.exemptions.usernames[0]: Invalid value: "": username must not be empty',
                f"{AT}.exemptions.usernames[1]: Invalid value: 7: must be a string",
                f'{AT}.exemptions.runtimeClasses: Invalid value: "x": must be an array',
                f'{AT}.exemptions.namespaces[1]: Duplicate value: "a"',
            ],
            id="exemptions that mean nothing",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(data: Any, errors: list[str]) -> None:
    assert read(data)[1] == errors


def test_names_have_the_form_of_names() -> None:
    (wrong,) = read(whole(security(exemptions={"namespaces": ["Kube_System"]})))[1]
    assert wrong.startswith(f'{AT}.exemptions.namespaces[0]: Invalid value: "Kube_System": a lowercase RFC 1123 label')


FILE = """
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  path: security.yaml
"""


def test_a_file_and_the_one_that_it_names(tmp_path: Path) -> None:
    assert load(None) == AdmissionConfiguration()
    file, other = tmp_path / "admission.yaml", tmp_path / "security.yaml"
    file.write_text(FILE)
    other.write_text(
        "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n"
        "exemptions: {namespaces: [ci]}\n"
    )
    assert load(file).pod_security.namespaces == {"ci"}
    file.write_text(FILE + "  configuration:\n    kind: PodSecurityConfiguration\n")
    with pytest.raises(AdmissionConfigurationError, match=r"plugins\[0\]\.configuration\.apiVersion"):
        load(file)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        pytest.param("a: [", "yaml", id="no YAML"),
        pytest.param("kind: A\nkind: B\n", 'key "kind" already set in map', id="a field twice"),
        pytest.param("", "kind: Unsupported value: null", id="empty"),
        pytest.param(FILE, "security.yaml: No such file or directory", id="a file that it names is gone"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str, wrong: str) -> None:
    file = tmp_path / "admission.yaml"
    file.write_text(content)
    with pytest.raises(AdmissionConfigurationError) as refused:
        load(file)
    assert str(refused.value).startswith(f"{file}: ")
    assert wrong in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AdmissionConfigurationError, match="No such file"):
        load(tmp_path / "lost.yaml")
