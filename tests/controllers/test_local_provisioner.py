"""What is made for a claim, and what is deleted with it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from podwright.api.objects import Object
from podwright.controllers.local_provisioner import (
    LocalStorage,
    ProvisioningError,
    make_folder,
    remove_folder,
    storage_class,
    volume_for,
)

LABELS = {"kubernetes.io/hostname": "box", "zone": "a"}


def claim(**spec: Any) -> Object:
    given = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"metadata": {"name": "c", "namespace": "ns", "uid": "u"}, "spec": given}


def of_class(**fields: Any) -> Object:
    return {**storage_class(), **fields}


def test_a_volume_is_for_its_claim_on_this_node(tmp_path: Path) -> None:
    made = volume_for(claim(), storage_class(), LocalStorage(tmp_path, "n"), LABELS)
    assert made["metadata"]["name"] == "pvc-u"
    assert made["spec"]["hostPath"] == {"path": str(tmp_path / "pvc-u"), "type": "Directory"}
    assert made["spec"]["accessModes"] == ["ReadWriteMany"]
    [term] = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["box"]}]


@pytest.mark.parametrize(
    ("made", "its_class", "why"),
    [
        pytest.param(claim(volumeMode="Block"), of_class(), "volumeMode Block is not supported", id="a device"),
        pytest.param(claim(dataSource={"name": "x"}), of_class(), "dataSource is not supported", id="a copy"),
        pytest.param(claim(selector={"matchLabels": {}}), of_class(), "claim.Spec.Selector is not", id="a choice"),
        pytest.param(
            claim(), of_class(parameters={"a": "b"}), "no parameters, and there is a", id="a class that wants"
        ),
        pytest.param(
            claim(),
            of_class(allowedTopologies=[{"matchLabelExpressions": [{"key": "zone", "values": ["b"]}]}]),
            "allowedTopologies of the class leave out node n",
            id="a class for another place",
        ),
        pytest.param(
            {**claim(), "metadata": {"uid": "u", "annotations": {"volume.kubernetes.io/selected-node": "m"}}},
            of_class(),
            "on node n, not on m",
            id="another node",
        ),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, made: Object, its_class: Object, why: str) -> None:
    with pytest.raises(ProvisioningError, match=why):
        volume_for(made, its_class, LocalStorage(tmp_path, "n"), LABELS)


async def test_what_is_mounted_in_a_volume_is_not_deleted(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "a b", "n")
    made = volume_for(claim(), storage_class(), storage, LABELS)
    await make_folder(made)
    folder = storage.folder / "pvc-u"
    (folder / "m").mkdir()
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "none", folder / "m"], check=True)
        try:
            with pytest.raises(ProvisioningError, match=f"{folder}/m is still mounted"):
                await remove_folder(made, storage)
        finally:
            subprocess.run(["umount", folder / "m"], check=True)
    await remove_folder(made, storage)
    assert not folder.exists()
    await remove_folder(made, storage)
