"""All controllers, with one informer a resource between them. Started by `app.py`."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Sequence
from typing import Protocol

from podwright.api.resources import EVENTS, EVENTS_V1, NAMESPACES, PERSISTENT_VOLUME_CLAIMS, Resource
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.controllers.certificates.approval import ApprovalOfNodes
from podwright.controllers.certificates.cleaning import Cleaning
from podwright.controllers.certificates.signing import Sign, Signing
from podwright.controllers.cluster_role_aggregation import ClusterRoleAggregation
from podwright.controllers.daemon_set import controller as daemon_set
from podwright.controllers.daemon_set.controller import DaemonSets
from podwright.controllers.deployment import controller as deployment
from podwright.controllers.deployment.controller import Deployments
from podwright.controllers.disruption.controller import DisruptionBudgets
from podwright.controllers.endpoint_slice import EndpointSlices
from podwright.controllers.endpoint_slice_mirroring import EndpointSliceMirroring
from podwright.controllers.endpoints import EndpointsOfServices
from podwright.controllers.ephemeral_volumes import EphemeralVolumes
from podwright.controllers.garbage_collector import GarbageCollector
from podwright.controllers.jobs.controller import Jobs
from podwright.controllers.jobs.cron_controller import CronJobs
from podwright.controllers.jobs.ttl import JobTtl
from podwright.controllers.local_provisioner import LocalStorage
from podwright.controllers.namespace import NamespaceDeletion
from podwright.controllers.nodes.controller import NodeHealth
from podwright.controllers.nodes.taint_eviction import TaintEviction
from podwright.controllers.persistent_volumes import PersistentVolumes
from podwright.controllers.pod_gc import PodGarbage
from podwright.controllers.replica_set.controller import KINDS as REPLICA_KINDS
from podwright.controllers.replica_set.controller import Replicas
from podwright.controllers.resource_quota import QuotaCounts
from podwright.controllers.root_ca import RootCa
from podwright.controllers.service_account import ServiceAccounts
from podwright.controllers.stateful_set import controller as stateful_set
from podwright.controllers.stateful_set.controller import StatefulSets
from podwright.controllers.token_secrets import TokenSecrets
from podwright.controllers.volume_protection import VolumeProtection


class Controller(Protocol):
    """One of them."""

    async def run(self) -> None:
        """Control until cancelled."""
        ...


class Controllers:
    """The controller manager."""

    def __init__(
        self,
        client: Client,
        resources: Sequence[Resource],
        root_ca_pem: str,
        clock: Callable[[], datetime.datetime],
        local_storage: LocalStorage | None = None,
        *,
        sign: Sign | None = None,
    ) -> None:
        """`resources`: all that the API serves; a second group of the same objects (events.k8s.io) does no harm.

        `local_storage`: where volumes of the class `local` are made; None: nowhere, and there is no such class.
        `sign`: signs certificates with the cluster's authority; None: approved requests wait.
        """
        self._client, self._clock = client, clock
        self._informers = Informers(client)
        self._recorders: list[EventRecorder] = []
        # Events own nothing and are too many to keep a copy of; namespaces cannot be in a namespace.
        followed = [r for r in resources if r not in {EVENTS, EVENTS_V1}]
        contents = [r for r in resources if r not in {NAMESPACES, EVENTS_V1}]
        informers = self._informers
        self._controllers: tuple[Controller, ...] = (
            ServiceAccounts(client, informers),
            ClusterRoleAggregation(client, informers),
            ApprovalOfNodes(client, informers),
            Cleaning(client, informers, clock),
            *([Signing(client, informers, sign)] if sign else []),
            RootCa(client, informers, root_ca_pem),
            TokenSecrets(client, informers, root_ca_pem),
            NamespaceDeletion(client, informers, clock, resources=contents, followed=followed),
            EndpointSlices(client, informers),
            EndpointsOfServices(client, informers),
            EndpointSliceMirroring(client, informers),
            GarbageCollector(client, informers, followed),
            PodGarbage(client, informers, clock),
            PersistentVolumes(client, informers, clock, local_storage),
            VolumeProtection(client, informers),
            EphemeralVolumes(client, informers),
            Deployments(client, informers, self._recorder(deployment.COMPONENT), clock),
            StatefulSets(
                client,
                informers,
                self._recorder(stateful_set.COMPONENT),
                clock,
                has_claims=PERSISTENT_VOLUME_CLAIMS in resources,
            ),
            DaemonSets(client, informers, self._recorder(daemon_set.COMPONENT), clock),
            *(Replicas(kind, client, informers, self._recorder(kind.component), clock) for kind in REPLICA_KINDS),
            Jobs(client, informers, self._recorder("job-controller"), clock),
            CronJobs(client, informers, self._recorder("cronjob-controller"), clock),
            JobTtl(client, informers, clock),
            QuotaCounts(client, informers, followed, clock),
            NodeHealth(client, informers, self._recorder("node-controller"), clock),
            TaintEviction(client, informers, self._recorder("taint-eviction-controller"), clock),
            DisruptionBudgets(client, informers, self._recorder("controllermanager"), clock),
        )

    def _recorder(self, component: str) -> EventRecorder:
        """Events of one controller; each counts its own."""
        self._recorders.append(EventRecorder(self._client, component, "", self._clock))
        return self._recorders[-1]

    async def run(self) -> None:
        """Control until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._informers.run())
            for recorder in self._recorders:
                group.create_task(recorder.run())
            for controller in self._controllers:
                group.create_task(controller.run())
