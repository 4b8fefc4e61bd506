"""Private images on a whole node: every way to prove a right to them, nobody else gets them, no password gets out."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.ports import free_port
from tests.node.private import (
    CANARY,
    PROGRAM,
    USER,
    Provider,
    Setting,
    certificates,
    disguises,
    docker_config,
    named,
    podwright,
    readable_by_others,
    secret,
    token_config,
    watched_processes,
    write_config,
    write_private,
)
from tests.node.pulling import Pods, container, pods_in, runnable
from tests.node.registry import Registry, registry
from tests.node.registry_proxy import Door, RegistryProxy, proxied
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.errors import StatusError
from podwright.api.resources import EVENTS, PODS, SECRETS, SERVICE_ACCOUNTS
from podwright.client.http import HttpClient
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import archive


@pytest.fixture(scope="module")
def setting(node_folder: Path) -> Iterator[Setting]:
    folder = node_folder / "providers"
    made = []
    for name in ("plain", "token"):
        (folder / name).mkdir(parents=True)
        program = folder / f"provide-{name}"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        made.append(Provider(folder / name, program.name, free_port()))
    plain, token = made
    config = write_config(folder, [plain.config(), token_config(token)])
    helper = folder / "docker-credential-tests"
    helper.write_text(f"#!/bin/sh\ncat > {folder}/asked-helper\ncat {folder}/helper-answer\n")
    helper.chmod(0o755)
    running = RunningNode.below(node_folder, "private")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        running.up(
            "--image-credential-provider-config", str(config), "--image-credential-provider-bin-dir", str(folder)
        )
    try:
        with watched_processes() as seen:
            yield Setting(running, plain, token, seen)
    finally:
        running.down(purge=True)


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Registry]:
    async with registry(tmp_path / "registry") as source:
        yield source


@pytest.fixture
async def pods(setting: Setting, request: pytest.FixtureRequest) -> AsyncIterator[Pods]:
    async with pods_in(setting.node, f"private-{abs(hash(request.node.name)) % 10**8}") as pods:
        yield pods


@pytest.fixture(params=["basic", "bearer"])
async def private(request: pytest.FixtureRequest, source: Registry) -> AsyncIterator[RegistryProxy]:
    """A registry that wants a password, shown in either of the two ways."""
    async with proxied(source, Door({USER: CANARY}, bearer=request.param == "bearer")) as private:
        yield private


@pytest.fixture
async def basic(source: Registry) -> AsyncIterator[RegistryProxy]:
    async with proxied(source, Door({USER: CANARY})) as private:
        yield private


@pytest.fixture
def node_config(setting: Setting) -> Iterator[Callable[..., None]]:
    """Writes the node's own config.json, for one test."""
    file = setting.node.data_dir / "config.json"
    yield lambda *entries: write_private(file, docker_config(*entries))
    file.unlink(missing_ok=True)


async def test_without_credentials_nothing_is_pulled_and_the_message_says_so(
    pods: Pods, private: RegistryProxy
) -> None:
    name = await private.push("team/none:1", runnable("none"))
    await pods.create("none", name)
    message = await pods.cannot_pull("none")
    assert f"{private.address} refused {private.address}/team/none (no credentials for it were found)" in message


async def test_the_node_s_config_json_is_for_every_pod(
    pods: Pods, private: RegistryProxy, node_config: Callable[..., None]
) -> None:
    name = await private.push("team/node:1", runnable("node"))
    node_config((private.address, USER, CANARY))
    await pods.create("uses-node", name)
    await pods.running("uses-node")
    # and what the node's credentials have pulled stays usable for every Pod without them
    node_config()
    await pods.create("uses-node-too", name)
    await pods.running("uses-node-too")


@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
async def test_a_credential_helper_that_the_node_s_config_json_names_is_asked_for_the_registry(
    setting: Setting, pods: Pods, basic: RegistryProxy, field: str
) -> None:
    name = await basic.push(f"team/{field}:1".lower(), runnable(field))
    folder, file = setting.plain.folder.parent, setting.node.data_dir / "config.json"
    (folder / "helper-answer").write_text(json.dumps({"ServerURL": basic.address, "Username": USER, "Secret": CANARY}))
    write_private(file, json.dumps({field: {basic.address: "tests"} if field == "credHelpers" else "tests"}))
    try:
        await pods.create("helped", name)
        await pods.running("helped")
        assert (folder / "asked-helper").read_text() == basic.address
    finally:
        file.unlink()


async def test_a_namespace_s_config_json_is_for_its_pods_alone(
    setting: Setting, pods: Pods, private: RegistryProxy
) -> None:
    name = await private.push("team/namespace:1", runnable("namespace"))
    file = setting.node.data_dir / "credentials" / pods.namespace / "config.json"
    write_private(file, docker_config((private.address, USER, CANARY)))
    await pods.create("of-the-namespace", name)
    await pods.running("of-the-namespace")
    async with pods_in(setting.node, f"{pods.namespace}-other") as others:
        # not even now that the image is here
        await others.create("of-another", name)
        await others.cannot_pull("of-another")


both_ways = pytest.mark.parametrize("bearer", [False, True], ids=["basic", "bearer"])


@both_ways
async def test_a_provider_is_asked_for_its_registry_and_for_no_other(
    setting: Setting, pods: Pods, source: Registry, bearer: bool
) -> None:
    async with proxied(source, Door({USER: CANARY}, bearer=bearer), port=setting.plain.port) as private:
        path = f"team/provided-{bearer}".lower()
        name = await private.push(f"{path}:1", runnable(f"provided {bearer}"))
        setting.plain.answers(CANARY)
        await pods.create("provided", name)
        await pods.running("provided")
    assert setting.plain.request == {
        "kind": "CredentialProviderRequest",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "image": f"127.0.0.1:{setting.plain.port}/{path}",
    }
    runs = setting.plain.runs
    await pods.create("elsewhere", await source.push("team/open:1", runnable("open")))
    await pods.running("elsewhere")
    assert setting.plain.runs == runs


async def test_an_image_that_was_imported_needs_no_registry_and_no_credentials(
    setting: Setting, pods: Pods, basic: RegistryProxy
) -> None:
    name = f"{basic.address}/team/prepulled:1"
    await ManagedContainerd(setting.node.data_dir).import_image(archive({name: runnable("prepulled")}))
    await pods.create("prepulled", name, "IfNotPresent")
    await pods.running("prepulled")
    assert not basic.asked


async def test_an_imported_image_stays_free_when_a_private_one_has_the_same_content(
    setting: Setting, pods: Pods, basic: RegistryProxy
) -> None:
    image = runnable("in both places")
    await ManagedContainerd(setting.node.data_dir).import_image(archive({"docker.io/team/free:1": image}))
    private = await basic.push("team/same:1", image)
    await pods.apply(secret("mine", docker_config((basic.address, USER, CANARY))))
    await pods.create("pays", private, **named("mine"))
    pays = await pods.running("pays")
    await pods.create("free", "team/free:1", "Never")
    free = await pods.running("free")
    assert container(free)["imageID"].rpartition("@")[2] == container(pays)["imageID"].rpartition("@")[2]
    await pods.create("not-free", private, "Never")
    await pods.waits("not-free", "ErrImageNeverPull")


async def test_a_secret_made_by_kubectl_and_one_made_from_a_config_json(
    pods: Pods, private: RegistryProxy, tmp_path: Path
) -> None:
    private.door.users["typist"] = "typed-by-a-user"
    await pods.kubectl_(
        "create", "secret", "docker-registry", "typed", f"--docker-server={private.address}",
        "--docker-username=typist", "--docker-password=typed-by-a-user", "--docker-email=a@tests.example",
    )  # fmt: skip
    write_private(tmp_path / "config.json", docker_config((private.address, USER, CANARY)))
    await pods.kubectl_(
        "create", "secret", "generic", "from-file", "--type=kubernetes.io/dockerconfigjson",
        f"--from-file=.dockerconfigjson={tmp_path / 'config.json'}",
    )  # fmt: skip
    for name in ("typed", "from-file"):
        image = await private.push(f"team/{name}:1", runnable(name))
        await pods.apply(pods.pod(f"with-{name}", image, **named(name)))
        await pods.running(f"with-{name}")
        assert await pods.version(f"with-{name}") == name


async def test_the_secrets_of_a_service_account_are_for_its_pods_that_name_none(
    pods: Pods, private: RegistryProxy
) -> None:
    image = await private.push("team/account:1", runnable("account"))
    await pods.client.create(
        SECRETS, secret("of-account", docker_config((private.address, USER, CANARY))), pods.namespace
    )
    await pods.kubectl_("patch", "serviceaccount", "default", "-p", json.dumps(named("of-account")))
    await pods.apply(pods.pod("by-account", image))
    assert (await pods.running("by-account"))["spec"]["imagePullSecrets"] == [{"name": "of-account"}]


@both_ways
async def test_a_service_account_s_token_gets_the_credentials_and_other_accounts_get_no_image(
    setting: Setting, pods: Pods, source: Registry, bearer: bool
) -> None:
    setting.token.answers(CANARY)
    for name in ("builder", "other"):
        await pods.client.create(SERVICE_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount",
                                                    "metadata": {"name": name}}, pods.namespace)  # fmt: skip
    async with proxied(source, Door({USER: CANARY}, bearer=bearer), port=setting.token.port) as private:
        image = await private.push(f"team/by-token-{bearer}:1".lower(), runnable(f"by-token {bearer}"))
        await pods.create("builds", image, serviceAccountName="builder")
        await pods.running("builds")
        claims = setting.token.request["serviceAccountToken"].split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        assert decoded["aud"] == ["registry.tests"]
        assert decoded["sub"] == f"system:serviceaccount:{pods.namespace}:builder"
        setting.token.answers("wrong")
        await pods.create("builds-again", image, serviceAccountName="builder")
        await pods.running("builds-again")
        await pods.create("does-not", image, serviceAccountName="other")
        await pods.cannot_pull("does-not")


async def test_of_two_entries_that_match_the_second_is_tried_when_the_first_is_refused(
    pods: Pods, basic: RegistryProxy
) -> None:
    image = await basic.push("team/two:1", runnable("two"))
    config = docker_config((f"{basic.address}/team", USER, "not-this"), (basic.address, USER, CANARY))
    other = docker_config((basic.address, "nobody", "nor-this"))
    await pods.apply(secret("two-entries", config), secret("wrong", other))
    await pods.create("two", image, **named("wrong", "two-entries"))
    await pods.running("two")
    assert [one.answer for one in basic.asked if one.method == "HEAD"].count(401) >= 2
    await pods.create("refused", await basic.push("team/refused:1", runnable("refused")), **named("wrong"))
    message = await pods.cannot_pull("refused")
    assert f"credentials tried: secret {pods.namespace}/wrong as nobody" in message


async def test_two_registries_with_users_of_their_own_in_one_secret(pods: Pods, source: Registry) -> None:
    async with proxied(source, Door({"a": CANARY})) as first, proxied(source, Door({"b": f"{CANARY}-b"})) as second:
        await pods.apply(
            secret("both", docker_config((first.address, "a", CANARY), (second.address, "b", f"{CANARY}-b")))
        )
        pod = pods.pod("both", await first.push("team/a:1", runnable("a")), **named("both"))
        pod["spec"]["containers"].append({"name": "second", "image": await second.push("team/b:1", runnable("b"))})
        await pods.apply(pod)
        await pods.until("both", lambda pod: "running" in (container(pod, 1).get("state") or {}))
        assert {one.user for one in first.asked} <= {"", "a"}
        assert {one.user for one in second.asked} <= {"", "b"}


async def test_a_missing_secret_is_told_and_the_others_are_used(pods: Pods, basic: RegistryProxy) -> None:
    image = await basic.push("team/missing:1", runnable("missing"))
    await pods.apply(secret("there", docker_config((basic.address, USER, CANARY))))
    await pods.create("missing", image, **named("not-there", "there"))
    await pods.running("missing")
    assert await pods.told("missing", "FailedToRetrieveImagePullSecret") == (
        "Unable to retrieve some image pull secrets (not-there); attempting to pull the image may not succeed."
    )


async def test_a_second_tenant_gets_no_private_image_that_is_on_the_node_not_even_after_a_crash(
    setting: Setting, pods: Pods, basic: RegistryProxy
) -> None:
    image = await basic.push("team/tenant:1", runnable("tenant"))
    await pods.apply(secret("mine", docker_config((basic.address, USER, CANARY))))
    await pods.create("mine", image, **named("mine"))
    await pods.running("mine")
    # the same secret in the same namespace: no registry is asked again
    asked = len(basic.asked)
    await pods.create("mine-too", image, **named("mine"))
    await pods.running("mine-too")
    assert len(basic.asked) == asked

    async def refused(tenant: Pods, name: str) -> None:
        await tenant.create(f"{name}-never", image, "Never", **named("mine"))
        await tenant.create(name, image, "IfNotPresent", **named("mine"))
        await tenant.waits(f"{name}-never", "ErrImageNeverPull")
        assert "no credentials for it were found" in await tenant.cannot_pull(name)
        # the name alone is no key: the secret lies in another namespace
        await tenant.told(name, "FailedToRetrieveImagePullSecret")

    async with pods_in(setting.node, f"{pods.namespace}-eve") as eve:
        await refused(eve, "eve")
        setting.node.kill()
        setting.node.up(*_provider_flags(setting))
        for each in (eve, pods):
            await each.client.close()  # its connection ended with the node
        await refused(eve, "eve-later")
        await eve.apply(secret("mine", docker_config((basic.address, USER, CANARY))))
        await eve.create("proven", image, **named("mine"))
        await eve.running("proven")
    await pods.running("mine")


def _provider_flags(setting: Setting) -> list[str]:
    folder = setting.plain.folder.parent
    return [
        "--image-credential-provider-config", str(folder / "providers.json"),
        "--image-credential-provider-bin-dir", str(folder),
    ]  # fmt: skip


async def test_always_pull_images_keeps_a_second_tenant_out_without_any_verification(
    node_folder: Path, basic: RegistryProxy
) -> None:
    file = node_folder / "never-verify.yaml"
    file.write_text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        "imagePullCredentialsVerificationPolicy: NeverVerify\n"
    )
    running = RunningNode.below(node_folder, "always")
    running.up("--config", str(file), "--enable-admission-plugins", "AlwaysPullImages,ImageDigest")
    try:
        image = await basic.push("team/always:1", runnable("always"))
        async with pods_in(running, "tenant") as tenant, pods_in(running, "eve") as eve:
            await tenant.apply(secret("mine", docker_config((basic.address, USER, CANARY))))
            pod = tenant.pod("mine", image, "IfNotPresent", **named("mine"))
            pod["spec"]["initContainers"] = [
                {"name": "first", "image": image, "imagePullPolicy": "Never", "command": ["true"]}
            ]
            await tenant.apply(pod)
            made = await tenant.running("mine")
            assert {
                one["imagePullPolicy"] for one in (*made["spec"]["containers"], *made["spec"]["initContainers"])
            } == {"Always"}
            # ImageDigest has asked the registry with the Pod's own secret, and refuses who has none
            pinned = json.loads(made["metadata"]["annotations"]["podwright.dev/pinned-images"])
            assert list(pinned) == [image]
            assert made["spec"]["containers"][0]["image"] == f"{image}@{pinned[image]}"
            assert container(made)["imageID"].endswith(pinned[image])
            with pytest.raises(StatusError, match=r"cannot be found out: .* answers 401"):
                await eve.create("eve-by-tag", image)
            for policy in ("IfNotPresent", "Never"):
                await eve.create(f"eve-{policy.lower()}", f"{image}@{pinned[image]}", policy)
                await eve.cannot_pull(f"eve-{policy.lower()}")
            # a template is pinned as it is written: a replica of later has the code of the first, wherever the tag is
            await tenant.kubectl_("patch", "serviceaccount", "default", "-p", json.dumps(named("mine")))
            await tenant.kubectl_("create", "deployment", "replicas", f"--image={image}")
            await _replicas(tenant, 1)
            await basic.push("team/always:1", runnable("moved"))
            await tenant.kubectl_("scale", "deployment", "replicas", "--replicas=2")
            assert {one.rpartition("@")[2] for one in await _replicas(tenant, 2)} == {pinned[image]}
            await tenant.kubectl_("delete", "deployment", "replicas")
    finally:
        running.down(purge=True)


async def _replicas(pods: Pods, count: int) -> list[str]:
    """The images that so many Pods of the deployment run."""
    async with asyncio.timeout(20):
        while True:
            listed = await pods.client.list(PODS, pods.namespace, label_selector="app=replicas")
            running = [one for one in listed.items if "running" in (container(one).get("state") or {})]
            if len(running) == count:
                return [container(one)["imageID"] for one in running]
            await asyncio.sleep(0.05)


def test_a_provider_configuration_that_is_wrong_at_start_is_refused_with_its_path(node_folder: Path) -> None:
    write_config(node_folder, [{"name": "a/b", "matchImages": [], "apiVersion": "v1"}])
    done = subprocess.run(
        [PODWRIGHT, "up", "--data-dir", node_folder / "refused", "--listen", f"127.0.0.1:{free_port()}",
         "--image-credential-provider-config", node_folder / "providers.json",
         "--image-credential-provider-bin-dir", node_folder],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "providers[0].matchImages: Required value" in done.stderr
    assert "providers[0].name" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "ended with exit status 3"),
        ("echo '{'", "its answer is not JSON"),
        ("sed s,k8s.io/v1,k8s.io/v1beta1, $FOLDER/answer.json", "is not of apiVersion"),
        ("sed s/Registry/Everything/ $FOLDER/answer.json", "cacheKeyType"),
    ],
    ids=["it crashes", "it prints garbage", "it answers another version", "it answers an unknown cache key"],
)
async def test_a_provider_that_fails_is_an_event_without_what_it_printed(
    setting: Setting, pods: Pods, source: Registry, script: str, says: str
) -> None:
    async with proxied(source, Door({USER: CANARY}), port=setting.plain.port) as private:
        image = await private.push("team/failing:1", runnable("failing"))
        setting.plain.answers(CANARY)
        setting.plain.does(f"echo {CANARY} >&2\n{script}\n")
        await pods.apply(secret("own", docker_config((private.address, USER, CANARY))))
        await pods.create("failing", image)
        await pods.create("brings-its-own", image, **named("own"))
        told = await pods.told("failing", "FailedCredentialProvider")
        assert told.startswith(f"credential provider {setting.plain.name}: ")
        assert says in told
        await pods.cannot_pull("failing")
        await pods.running("brings-its-own")


async def test_a_slow_provider_holds_up_its_own_pods_alone(setting: Setting, pods: Pods, source: Registry) -> None:
    setting.plain.does('echo $$ > "$FOLDER/pid"; exec sleep 55')
    async with proxied(source, Door({USER: CANARY}), port=setting.plain.port) as private:
        await pods.create("slow", await private.push("team/slow:1", runnable("slow")))
        async with asyncio.timeout(5):
            while not (setting.plain.folder / "pid").exists():
                await asyncio.sleep(0.02)
        await pods.create("quick", await source.push("team/quick:1", runnable("quick")))
        await pods.running("quick")  # the slow one sleeps for much longer
        pid = int((setting.plain.folder / "pid").read_text())
        await pods.delete("slow")
        async with asyncio.timeout(5):
            while Path(f"/proc/{pid}").exists():
                await asyncio.sleep(0.02)


async def test_a_changed_secret_and_a_changed_config_json_are_used_at_the_next_attempt(
    pods: Pods, basic: RegistryProxy, node_config: Callable[..., None]
) -> None:
    rotated = f"{CANARY}-rotated"
    images = [await basic.push(f"team/rotated-{number}:1", runnable(str(number))) for number in range(2)]
    basic.door.users[USER] = rotated
    await pods.apply(secret("rotates", docker_config((basic.address, USER, CANARY))))
    await pods.create("old-secret", images[0], **named("rotates"))
    node_config((basic.address, USER, CANARY))
    await pods.create("old-file", images[1])
    await asyncio.gather(pods.cannot_pull("old-secret"), pods.cannot_pull("old-file"))
    node_config((basic.address, USER, "not-this"))
    await pods.apply(secret("rotates", docker_config((basic.address, USER, rotated))))
    await pods.create("new-secret", images[0], **named("rotates"))
    await pods.running("new-secret")
    node_config((basic.address, USER, rotated))
    await pods.create("new-file", images[1])
    await pods.running("new-file")


async def test_a_provider_s_answer_is_remembered_until_a_registry_refuses_it(
    setting: Setting, pods: Pods, source: Registry
) -> None:
    async with proxied(source, Door({USER: CANARY}), port=setting.plain.port) as private:
        images = [await private.push(f"team/cached-{number}:1", runnable(str(number))) for number in range(3)]
        setting.plain.answers(CANARY, cacheDuration="1h")
        runs = setting.plain.runs
        for number in range(2):
            await pods.create(f"cached-{number}", images[number])
            await pods.running(f"cached-{number}")
        assert setting.plain.runs == runs + 1
        private.door.users[USER] = f"{CANARY}-new"
        setting.plain.answers(f"{CANARY}-new", cacheDuration="0s")
        await pods.create("refused", images[2])
        await pods.cannot_pull("refused")
        await pods.create("after", images[2])
        await pods.running("after")
        assert setting.plain.runs == runs + 2


async def test_credentials_of_a_provider_that_have_run_out_are_told_and_asked_for_anew(
    setting: Setting, pods: Pods, source: Registry
) -> None:
    async with proxied(source, Door({USER: CANARY}), port=setting.plain.port) as private:
        image = await private.push("team/run-out:1", runnable("run-out"))
        setting.plain.answers("was-right-once", cacheDuration="12h")
        await pods.create("run-out", image)
        message = await pods.cannot_pull("run-out")
        assert f"(credentials tried: provider {setting.plain.name} as {USER})" in message
        await pods.create("elsewhere", await source.push("team/else:1", runnable("else")))
        await pods.running("elsewhere")
        runs = setting.plain.runs
        setting.plain.answers(CANARY, cacheDuration="0s")
        await pods.waits("run-out", "ImagePullBackOff")
        await podwright(setting, "image retry", "-n", pods.namespace, "run-out")
        await pods.running("run-out")
        assert setting.plain.runs == runs + 1


async def test_a_login_is_used_by_every_pod_until_the_logout_and_its_password_is_seen_by_nobody(
    setting: Setting, pods: Pods, private: RegistryProxy
) -> None:
    """What is written and seen meanwhile is searched for the password by the last test of this file."""
    images = [await private.push(f"team/login-{number}:1", runnable(str(number))) for number in range(2)]
    user = ("--username", USER, "--password-stdin")
    refused = await podwright(setting, "registry login", private.address, *user, code=1, stdin=f"not-{CANARY}\n")
    assert "401, not let in; nothing was written" in refused
    assert "has let" in await podwright(setting, "registry login", private.address, *user, stdin=f"{CANARY}\n")
    await pods.create("logged-in", images[0])
    await pods.running("logged-in")
    await podwright(setting, "registry logout", private.address)
    await pods.create("logged-out", images[1])
    assert "no credentials for it were found" in await pods.cannot_pull("logged-out")


async def test_every_source_that_was_considered_is_told_with_the_registry_s_answer_and_no_secret(
    setting: Setting, pods: Pods, source: Registry, node_config: Callable[..., None]
) -> None:
    async with proxied(source, Door({USER: "other"}), port=setting.plain.port) as private:
        image = await private.push("team/told:1", runnable("told"))
        node_config((private.address, "node", CANARY))
        setting.plain.answers(CANARY, user="provided")
        await pods.apply(secret("here", docker_config((private.address, USER, CANARY))))
        await pods.apply(secret("elsewhere", docker_config(("other.example", USER, CANARY))))
        await pods.create("told", image, **named("here", "elsewhere", "gone"))
        await pods.cannot_pull("told")
        data_dir, space = setting.node.data_dir, pods.namespace
        sources = [
            f"  secret {space}/here: 1 for it",
            f"  secret {space}/elsewhere: none for it",
            f"  secret {space}/gone: not there",
            f"  credentials/{space}/config.json: not there",
            f"  {data_dir}/config.json: 1 for it",
            f"  provider {setting.plain.name}: 1 for it",
            f"  provider {setting.token.name}: its matchImages are for other images",
        ]
        refused = f"401, not let in (http://{private.address})"
        answers = [
            f"  secret {space}/here as {USER}: {refused}",
            f"  {data_dir}/config.json as node: {refused}",
            f"  provider {setting.plain.name} as provided: {refused}",
            f"  without credentials: {refused}",
        ]
        why = await podwright(setting, "why", "-n", space, "told")
        assert "\n".join(sources) in why, why
        assert "\n".join(answers) in why
        # the same without a Pod: what the service account brings, and what every Pod has
        await pods.kubectl_("patch", "serviceaccount", "default", "-p", json.dumps(named("here")))
        checked = await podwright(setting, "registry check", "-n", space, image, code=1)
        assert "\n".join([sources[0], *sources[3:]]) in checked
        assert "\n".join(answers) in checked
        private.door.users["node"] = CANARY
        checked = await podwright(setting, "registry check", image)
        assert "\n".join(sources[4:]) in checked
        assert f"config.json as node: 200, let in (http://{private.address})" in checked
        assert f"  provider {setting.plain.name} as provided: not needed" in checked
        assert CANARY not in why + checked


async def test_a_provider_configuration_is_read_again_when_it_changes(
    setting: Setting, pods: Pods, source: Registry
) -> None:
    folder = setting.plain.folder.parent
    async with proxied(source, Door({USER: CANARY})) as private:
        image = await private.push("team/added:1", runnable("added"))
        port = int(private.address.rpartition(":")[2])
        setting.plain.answers(CANARY, auth={private.address: {"username": USER, "password": CANARY}})
        added = setting.plain.config() | {"matchImages": [f"127.0.0.1:{setting.plain.port}", f"127.0.0.1:{port}"]}
        write_config(folder, [{"name": "broken"}])
        await pods.create("broken", image)
        assert "matchImages" in await pods.told("broken", "FailedCredentialProvider")
        write_config(folder, [added, token_config(setting.token)])
        await pods.create("added", image)
        await pods.running("added")
        write_config(folder, [setting.plain.config(), token_config(setting.token)])


@both_ways
async def test_a_private_ca_is_trusted_through_hosts_toml_and_not_before(
    setting: Setting, pods: Pods, source: Registry, tmp_path: Path, bearer: bool
) -> None:
    tls = certificates(tmp_path)
    async with proxied(source, Door({USER: CANARY}, bearer=bearer), tls) as private:
        image = await private.push("team/tls:1", runnable("tls"))
        await pods.apply(secret("tls", docker_config((private.address, USER, CANARY))))
        # containerd speaks plain HTTP to loopback where nobody says otherwise
        file = setting.node.data_dir / "registries" / private.address / "hosts.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'[host."https://{private.address}"]\n')
        await pods.create("untrusted", image, **named("tls"))
        message = await pods.cannot_pull("untrusted")
        hosts = f"registries/{private.address}/hosts.toml"
        assert f"the certificate of {private.address} is not trusted: name the file with its CA in {hosts}" in message
        (file.parent / "ca.crt").write_bytes((tmp_path / "ca.crt").read_bytes())
        file.write_text(f'[host."https://{private.address}"]\nca = "ca.crt"\n')
        await pods.create("trusted", image, **named("tls"))
        await pods.running("trusted")


async def test_the_password_stands_in_no_log_event_process_list_or_file_that_others_can_read(
    setting: Setting, pods: Pods, basic: RegistryProxy
) -> None:
    # one more of each kind, so that this test sees something when it runs alone
    image = await basic.push("team/canary:1", runnable("canary"))
    await pods.apply(secret("canary", docker_config((basic.address, USER, CANARY))))
    await pods.create("canary", image, **named("canary"))
    await pods.running("canary")
    basic.door.users[USER] = "other"
    await pods.create("refused", await basic.push("team/refused:1", runnable("no")), **named("canary"))
    await pods.waits("refused", "ImagePullBackOff")
    hidden = re.compile(b"|".join(map(re.escape, disguises(CANARY))))
    assert hidden.search(base64.b64encode(f"{USER}:{CANARY}".encode()))
    async with HttpClient.from_kubeconfig(setting.node.kubeconfig) as client:
        events = (await client.list(EVENTS)).items
    assert events
    assert not hidden.search(json.dumps(list(events)).encode())
    assert setting.command_lines
    assert not [line for line in setting.command_lines if hidden.search(line)]
    logs = [path for path in setting.node.data_dir.rglob("*.log") if path.is_file()]
    assert setting.node.data_dir / "podwright.log" in logs
    assert not [path for path in logs if hidden.search(path.read_bytes())]
    assert not list(readable_by_others(setting.node.data_dir, hidden))
    assert not list(readable_by_others(setting.node.layout.state, hidden))
