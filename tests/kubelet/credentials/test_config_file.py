"""Credentials written into a config.json."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from podwright.kubelet.credentials import config_file
from podwright.kubelet.credentials.docker_config import DockerConfigError, parse_config_json
from podwright.kubelet.credentials.keyring import Source


@pytest.mark.parametrize(
    ("written", "key"),
    [
        pytest.param("reg.example:5000", "reg.example:5000", id="host and port"),
        pytest.param("https://reg.example/", "reg.example", id="a URL is its host"),
        pytest.param("reg.example/team", "reg.example/team", id="a path stays"),
        pytest.param("docker.io", config_file.HUB, id="the Hub has a name of its own"),
        pytest.param("https://index.docker.io/v1/", config_file.HUB, id="which is known again"),
    ],
)
def test_the_key_of_a_server(written: str, key: str) -> None:
    assert config_file.server_key(written) == key


def test_what_is_no_server_is_refused() -> None:
    with pytest.raises(ValueError, match="is not HOST"):
        config_file.server_key("a b")


def test_a_login_can_be_read_again_and_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "data" / "config.json"
    assert config_file.read(file) == {}
    before = {
        "auths": {"other.example": {"auth": "eDp5"}},
        "credHelpers": {"h.example": "h"},
        "HttpHeaders": {"a": "b"},
    }
    after = config_file.with_login(before, "reg.example", "user", "pass:word")
    config_file.write(file, after)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {key: after[key] for key in ("credHelpers", "HttpHeaders")} == {
        key: before[key] for key in ("credHelpers", "HttpHeaders")
    }
    entries = parse_config_json(file.read_bytes(), Source("")).entries
    assert [(one.server, one.credential.username, one.credential.password) for one in entries] == [
        ("other.example", "x", "y"),
        ("reg.example", "user", "pass:word"),
    ]
    assert config_file.without(config_file.read(file), "reg.example") == before
    assert [one.name for one in file.parent.iterdir()] == ["config.json"]


def test_a_helper_s_entry_has_no_secret() -> None:
    assert config_file.with_login({}, "reg.example", "user", "") == {"auths": {"reg.example": {}}}


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": 1}'])
def test_a_file_that_is_none_is_not_overwritten(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(DockerConfigError):
        config_file.read(file)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "config.json").symlink_to("real.json")
    config_file.write(tmp_path / "config.json", {"auths": {}})
    assert (tmp_path / "config.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text()) == {"auths": {}}
