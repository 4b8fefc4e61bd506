"""The API server: its parts put together, listening, and kept tidy.

    made --start()--> listening, ready --stop()--> stopped

Made by `app.py`, which also hands out `local_client`s. Page:
https://kubernetes.io/docs/concepts/architecture/#kube-apiserver
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from collections.abc import Callable, Sequence

from aiohttp import web

from podwright.admission.interface import User
from podwright.api.resources import SERVICES
from podwright.api.schema import Schema
from podwright.apiserver import pki
from podwright.apiserver.authorization.escalation import Escalation
from podwright.apiserver.authorization.policies import Policies, follow
from podwright.apiserver.authorization.rbac import Rbac
from podwright.apiserver.authorization.reconcile import reconcile
from podwright.apiserver.authorization.references import NodeReferences
from podwright.apiserver.authorized_client import AuthorizedClient
from podwright.apiserver.bootstrap import initial_namespaces, keep_initial_objects, kubernetes_service
from podwright.apiserver.config import ApiServerConfig
from podwright.apiserver.context import Admission, Context, NoAdmission
from podwright.apiserver.discovery import Discovery
from podwright.apiserver.filters.authn import AUTHENTICATED, Authenticator
from podwright.apiserver.filters.authz import MASTERS, Authorizer
from podwright.apiserver.filters.metrics import Metrics
from podwright.apiserver.forgetting import Forgetting
from podwright.apiserver.forward import Forwarder
from podwright.apiserver.front import Front
from podwright.apiserver.guards import Guards
from podwright.apiserver.issuer import Issuer
from podwright.apiserver.local_client import LocalClient
from podwright.apiserver.node_proxy import NodeProxy
from podwright.apiserver.nonresource import NonResources
from podwright.apiserver.openapi.documents import OpenAPI
from podwright.apiserver.ownership import SchemaOwnership
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.registry.strategy import Row
from podwright.apiserver.reviews import REVIEW_ROWS, Reviews
from podwright.apiserver.routes import table_of
from podwright.apiserver.service_addresses import ServiceAddresses
from podwright.apiserver.subresources import Subresources
from podwright.apiserver.tokens import Tokens
from podwright.apiserver.workload_proxy import WorkloadProxy
from podwright.client.interface import Client
from podwright.storage.interface import Store, StoreError

log = logging.getLogger(__name__)
_KEEP_ALIVE = 300.0
_GRACE = 2.0
"""Seconds that requests get to end when the server stops."""
_SYSTEM = User("system:apiserver", (MASTERS, AUTHENTICATED))
_TIDY_EVERY = 60.0


class ApiServer:
    """One API server over one store."""

    def __init__(
        self,
        config: ApiServerConfig,
        store: Store,
        schema: Schema,
        *,
        admission: Callable[[Client], Admission] | None = None,
        rows: Sequence[Row] = ROWS,
        clock: Callable[[], datetime.datetime] | None = None,
        worked: Callable[[], None] = lambda: None,
    ) -> None:
        """`worked` is told whenever something was done that is not needed at rest (see `Tokens`)."""
        self._config = config
        self._store = store
        self._addresses = ServiceAddresses(config.service_cidr, config.node_ports)
        self._context = Context(
            store,
            rows,
            schema,
            ownership=SchemaOwnership(schema),
            allocators={SERVICES: self._addresses},
            clock=clock,
        )
        self._rows = rows
        self._tokens = Tokens(pki.Pki(config.pki_dir).key("sa"), config.issuer, worked)
        self._subresources = Subresources(self._context, self._tokens)
        policies = Policies()
        follow(self._context, policies)
        self._authenticator = Authenticator(self._context, self._tokens)
        self._authorizer = Authorizer(Rbac(policies), NodeReferences(self._context).relate)
        self._reviews = Reviews(self._authenticator, self._authorizer, self._tokens)
        self.metrics = Metrics()
        self._runner: web.ServerRunner | None = None
        self._front: Front | None = None
        self._forwarder = Forwarder()
        self._tasks: list[asyncio.Task[None]] = []
        self._ready = False
        self.port = config.port
        """What it listens on; known once started."""
        chain = admission(self.local_client(_SYSTEM)) if admission is not None else NoAdmission()
        self._context.admission = Guards(chain, Escalation(policies, self._authorizer), self._context.now)

    @property
    def url(self) -> str:
        """Where clients on this machine reach it."""
        # A server that listens everywhere is reached at the loopback, too.
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._config.host, self._config.host)
        host = f"[{host}]" if ":" in host else host
        return f"https://{host}:{self.port}"

    @property
    def pki(self) -> pki.Pki:
        """The files of keys and certificates."""
        return pki.Pki(self._config.pki_dir)

    def local_client(self, user: User) -> Client:
        """A client in this process, as `user`, who may everything; works before `start` and after."""
        return LocalClient(self._context, user, self._subresources.post, self._reviews.answer)

    def authorized_client(self, user: User) -> Client:
        """A client in this process, as `user`, who may what a request of his might."""
        return AuthorizedClient(self.local_client(user), user, self._authorizer.check)

    async def start(self) -> None:
        """Listen, write the kubeconfig, make the initial objects. Raises OSError, StatusError."""
        config = self._config
        # What needs no listening server is made while keys are: the first start makes a hundred objects.
        await asyncio.gather(asyncio.to_thread(self._make_pki), self._make_initial_objects())
        services = self._context.rows[SERVICES]
        listed = self._store.list(self._context.root(services))
        self._addresses.load(self._context.read(services, entry) for entry in listed.entries)

        others = NonResources(self.metrics, {"ping": lambda: "", "etcd": self._storage, "bootstrap": self._started})
        front = self._front = self._make_front(others)
        # A handler whose client has gone is cancelled: an idle watch would not notice otherwise.
        server = web.Server(
            front.handle, handler_cancellation=True, access_log=None, keepalive_timeout=_KEEP_ALIVE,
            max_line_size=64 * 1024, max_field_size=64 * 1024,
        )  # fmt: skip
        self._runner = web.ServerRunner(server, shutdown_timeout=_GRACE)
        await self._runner.setup()
        tls = _server_tls(self.pki)
        for host in dict.fromkeys((config.host, *config.extra_hosts)):
            site = web.TCPSite(self._runner, host, self.port, ssl_context=tls, backlog=1024)
            await site.start()
            if not self.port:
                self.port = self._runner.addresses[0][1]
        self._add_documents(others)
        await asyncio.to_thread(pki.write_kubeconfig, config.kubeconfig, self.pki, self.url)
        client = self.local_client(_SYSTEM)
        await kubernetes_service(client, config, self.port)
        self._ready = True
        self._tasks = [
            asyncio.create_task(self._tidy(), name="apiserver-compaction"),
            asyncio.create_task(keep_initial_objects(client, config, self.port), name="apiserver-initial-objects"),
        ]

    async def stop(self) -> None:
        """End the watches and streams, answer what is under way, listen no more. The store stays open."""
        self._ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._front is not None:
            self._front.end_streams()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._forwarder.close()

    async def _make_initial_objects(self) -> None:
        client = self.local_client(_SYSTEM)
        await initial_namespaces(client)
        await reconcile(client)

    def _make_pki(self) -> None:
        pki.ensure(self._config.pki_dir, certificates(self._config), self._context.now())

    def _make_front(self, others: NonResources) -> Front:
        table = table_of((*self._rows, *REVIEW_ROWS))
        nearby = {self._config.node_name: self._config.kubelet_host} if self._config.kubelet_host else {}
        return Front(
            self._context,
            table,
            tokens=self._tokens,
            authenticator=self._authenticator,
            authorizer=self._authorizer,
            reviews=self._reviews,
            subresources=self._subresources,
            proxy=NodeProxy(self._context, self._forwarder, _kubelet_tls(self.pki), nearby),
            workload_proxy=WorkloadProxy(self._context, self._forwarder),
            others=others,
            metrics=self.metrics,
            max_body=self._config.max_body,
        )

    def _add_documents(self, others: NonResources) -> None:
        discovery = Discovery(self._rows, REVIEW_ROWS, address=self.url.removeprefix("https://"))
        others.describe(discovery, OpenAPI(self._rows, REVIEW_ROWS), Issuer(self._tokens, self._issuer_url))

    def _issuer_url(self) -> str:
        """Where Pods reach this server, or else where clients on this machine do."""
        config = self._config
        return f"https://{config.advertise_address}:{self.port}" if config.extra_hosts else self.url

    def _storage(self) -> str:
        """Whether the store answers; it is asked for by the name of the one that it stands in for."""
        return "" if self._store.revision else "the store has no revision"

    def _started(self) -> str:
        return "" if self._ready else "the initial objects are not there yet"

    async def _tidy(self) -> None:
        """Forget history that is older than `compact_every`, or longer than `compact_revisions`."""
        config, loop = self._config, asyncio.get_running_loop()
        forgetting = Forgetting(config.compact_every, config.compact_revisions)
        forgetting.keep_after(loop.time(), self._store.revision)
        while True:
            await asyncio.sleep(min(_TIDY_EVERY, config.compact_every))
            keep_after = forgetting.keep_after(loop.time(), self._store.revision)
            if keep_after > self._store.compacted:
                try:
                    await self._store.compact(keep_after)
                except StoreError as error:
                    # It only costs space; the next round tries again.
                    log.warning("history could not be compacted: %s", error)


def certificates(config: ApiServerConfig) -> Sequence[pki.Order]:
    """The certificates that a server with this configuration and its node need."""
    service = "kubernetes"
    server_sans = dict.fromkeys((
        "localhost", "127.0.0.1", "::1", config.kubernetes_service_ip, service, f"{service}.default",
        f"{service}.default.svc", f"{service}.default.svc.{config.cluster_domain}", config.node_name,
        *(host for host in (config.host, config.advertise_address) if host not in ("", "0.0.0.0", "::")),
        *config.extra_hosts,
    ))  # fmt: skip
    node_sans = dict.fromkeys((config.node_name, "localhost", "127.0.0.1", "::1", *config.node_addresses))
    return pki.orders(tuple(server_sans), config.node_name, tuple(node_sans))


def _server_tls(files: pki.Pki) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.cert("apiserver"), files.key("apiserver"))
    context.load_verify_locations(files.ca)
    # Who has no certificate may still show a token.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


def _kubelet_tls(files: pki.Pki) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(files.ca))
    context.load_cert_chain(files.cert("apiserver-kubelet-client"), files.key("apiserver-kubelet-client"))
    return context
