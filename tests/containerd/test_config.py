"""The configuration files, as golden files, and what runtimes.d may say."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from podwright.containerd import config, toml
from podwright.containerd.config import NodeOptions, RuntimeFileError
from podwright.containerd.layout import Layout
from podwright.containerd.programs import Programs

GOLDEN = Path(__file__).parent / "golden"
LAYOUT = Layout(Path("/var/lib/podwright"))
PROGRAMS = Programs(
    containerd=Path("/usr/bin/containerd"),
    ctr=Path("/usr/bin/ctr"),
    cni_dir=Path("/usr/lib/cni"),
    catatonit=Path("/usr/bin/catatonit"),
    nft=Path("/usr/sbin/nft"),
    ip=Path("/usr/sbin/ip"),
    iptables=None,
    runtimes={"crun": Path("/usr/bin/crun"), "runc": Path("/usr/sbin/runc"), "kata": Path("/opt/shim-kata")},
)
OPTIONS = NodeOptions(extra_runtimes={"runc-two": config.parse_runtime_file("runc-two", "[options]\nRoot='/x'\n")})


def test_containerd_s_configuration() -> None:
    text = config.containerd_config(LAYOUT, PROGRAMS, OPTIONS, "docker.io/podwright/pause:1")
    tomllib.loads(text)
    assert text == (GOLDEN / "config.toml").read_text()


def test_the_pod_network() -> None:
    text = config.cni_config(LAYOUT, OPTIONS)
    json.loads(text)
    assert text == (GOLDEN / "podwright.conflist").read_text()


def test_runc_is_the_default_handler_where_it_is_there() -> None:
    assert list(config.runtimes(LAYOUT, PROGRAMS, OPTIONS)) == ["runc", "crun", "kata", "runc-two"]


def test_each_handler_keeps_its_state_apart_unless_its_file_says_where() -> None:
    tables = config.runtimes(LAYOUT, PROGRAMS, OPTIONS)
    assert tables["runc"]["options"]["Root"] != tables["crun"]["options"]["Root"]
    assert tables["runc-two"]["options"]["Root"] == "/x"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("Big", "", "lower case"),
        ("-x", "", "lower case"),
        ("x", "a = ", "x.toml"),
        ("x", "runtime_type = 3", "runtime_type: expected a string"),
        ("x", "options = 3", "options: expected a table"),
    ],
)
def test_a_runtime_file_that_can_not_be_used_says_why(name: str, text: str, says: str) -> None:
    with pytest.raises(RuntimeFileError, match=says):
        config.parse_runtime_file(name, text)


@pytest.mark.parametrize("cidr", ["10.0.0.1/16", "fd00::/64", "10.0.0.0/30", "x"])
def test_a_pod_range_that_can_not_be_used_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match=r"10\.0|fd00|'x'"):
        NodeOptions(pod_cidr=cidr)


def test_names_are_unique_for_each_data_directory_and_fit() -> None:
    other = Layout(Path("/srv/" + "deep/" * 60))
    assert LAYOUT.bridge != other.bridge
    assert len(other.bridge) <= 15
    assert len(str(other.socket)) + len(".ttrpc") < 107


@pytest.mark.parametrize(
    "table",
    [{"a": 'q"\\\n', "b": [1, True], "c": {"d.e": {"f": 1.5}}}, {"empty": {}}, {"a b": "x", "c": {"d": {}, "e": 1}}],
)
def test_what_is_written_is_read_back(table: dict[str, object]) -> None:
    assert tomllib.loads(toml.dumps(table)) == table
