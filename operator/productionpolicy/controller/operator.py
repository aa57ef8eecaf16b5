"""The operator: puts the parts together, starts them in order, and stops them cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import kopf
import structlog
from msgspec import Struct

from productionpolicy.controller import handlers, logs, metrics
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster, Refused, RequestFailed
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.context import Context
from productionpolicy.controller.effectiveness import Effectiveness
from productionpolicy.controller.events import Events
from productionpolicy.controller.intake import Intake
from productionpolicy.controller.listing import Listing
from productionpolicy.controller.namespace_warnings import NamespaceWarnings
from productionpolicy.controller.pages import Pages, known
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.probes import Probes
from productionpolicy.controller.publisher import Publisher
from productionpolicy.controller.reconciler import Reconciler
from productionpolicy.controller.reports import Reports
from productionpolicy.controller.resources import POLICIES, WATCHED, Resource
from productionpolicy.controller.unowned import Unowned
from productionpolicy.controller.versions import untested
from productionpolicy.controller.watches import Watches
from productionpolicy.controller.writer import Writer
from productionpolicy.kube.identity import NAME
from productionpolicy.kube.surroundings import ServerFeatures

FINISH_SECONDS = 5.0
WAIT_SECONDS = 5.0
LOOK_SECONDS = 60.0
"""The longest interval between checks for an optional kind that was not served at the start."""

OPENING_SECONDS = 10.0
"""How long the first listing waits for the watches: what goes after a watch has been opened, that watch tells."""
LONGEST_SILENCE_SECONDS = 900.0

CLOCK = Clock()
IDENTITY: Any = NAME
"""Kopf would otherwise ask for the name of the user, which a container's user may not have."""

log = structlog.get_logger(__name__)


class Options(Struct, frozen=True):
    """How the operator is to run."""

    kubeconfig: Path | None
    """The kubeconfig to use; None for the service account of the pod."""
    host: str
    port: int
    """Where the probes are served."""
    listing_seconds: float = 900.0
    """How long to wait between full listings."""
    pods_seconds: float = 300.0
    """How long to wait between looks for pods, ReplicaSets and ReplicationControllers that nothing makes."""
    page: tuple[str, int] | None = None
    """Host and port of the pages; None for no pages."""


class Operator:
    """One running operator."""

    def __init__(self, cluster: Cluster, watches: Watches, options: Options) -> None:
        self._cluster = cluster
        self._watches = watches
        self._listing_seconds = options.listing_seconds
        self.page = options.page
        self._look_seconds = min(LOOK_SECONDS, options.listing_seconds)
        self._state: str | None = "starting"
        self.events = Events(cluster, clock=CLOCK)
        self.context = context = Context.of(cluster, events=self.events, clock=CLOCK)
        self.store = context.store
        self.queue = context.queue
        self.policies = Policies(context)
        self.effectiveness = Effectiveness(context, self.policies)
        self.reports = Reports(context, self.policies)
        self.publisher = Publisher(context, self.policies, self.effectiveness, self.reports)
        self.reconciler = Reconciler(context, self.publisher, Writer(context, self.policies, self.publisher))
        self.warnings = NamespaceWarnings(context)
        self.intake = Intake(context, self.reconciler, self.policies, self.effectiveness, self.warnings)
        self.unowned = Unowned(cluster, self.store, self.intake, interval_seconds=options.pods_seconds)
        self.listing = Listing(context, self.intake, self.unowned)

    def ready(self) -> str | None:
        """Say why the operator does not do its work yet, or not any more; None if it does."""
        return self._state or self._watches.fault()

    def alive(self) -> str | None:
        """Say why only a restart can help; None otherwise."""
        silence = self._watches.longest_silence()
        return f"a watch has been silent for {silence:.0f} s" if silence > LONGEST_SILENCE_SECONDS else None

    async def begin(self) -> None:
        """Learn everything there is, and what it says of rollouts of the operator; only then is anything written."""
        self._state = "listing"
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watches.opened(), timeout=OPENING_SECONDS)
        await self.listing.complete()
        await self.policies.admission.learn()
        await self.reports.learn()
        self.effectiveness.begin()
        self.publisher.begin()
        self.intake.open()
        self.reconciler.resume(self.store.all_workloads())
        self._state = None
        self.warnings.warn()
        log.info("ready", workloads=sum(1 for _ in self.store.all_workloads()), policies=len(self.store.policies))

    async def work(self) -> None:
        """Do all work until cancelled."""
        await self.begin()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_and_tell())
            tasks.create_task(self.queue.run(self.reconciler.reconcile))
            tasks.create_task(self.reports.queue.run(self.reports.reconcile))
            tasks.create_task(self._keep_learning_reports())
            tasks.create_task(self.intake.run(self.listing.add_namespaces))
            tasks.create_task(self.events.run())
            tasks.create_task(self.unowned.run())
            tasks.create_task(self._list_again())
            tasks.create_task(self._list_restarted_watches())
            tasks.create_task(self._watches.listen())
            tasks.create_task(self.effectiveness.run())
            tasks.create_task(self.policies.keep_looking_up_admission(seconds=self._listing_seconds))
            tasks.create_task(self.policies.drain_audits.run())

    async def finish(self) -> None:
        """Let the writes that are under way come to their end."""
        self._state = "stopping"
        queues = (self.queue, self.reports.queue, self.policies.queue)
        for each in queues:
            each.stop()
        deadline = time.monotonic() + FINISH_SECONDS
        while any(each.busy for each in queues) and time.monotonic() < deadline:  # noqa: ASYNC110  # bounded
            await asyncio.sleep(0.02)
        await self.policies.release_finalizers()

    async def _look_and_tell(self) -> None:
        """Write the status of policies once all workloads are evaluated: until then, totals lack those to come."""
        await self._look_at_everything()
        await self.policies.queue.run(self.policies.reconcile)

    async def _look_at_everything(self) -> None:
        with self.policies.queue.hold():
            await self.reconciler.evaluate_all(list(self.store.all_workloads()))
        self.reports.prune()
        self.policies.changed(*self.store.policies)

    async def _list_again(self) -> None:
        while True:
            await asyncio.sleep(self._listing_seconds)
            await self.listing.complete()
            self.reconciler.retry_forbidden()
            await self.reports.renew()
            await self._look_at_everything()

    async def _keep_learning_reports(self) -> None:
        """Look up which kinds of reports are served; where that has changed, all workloads are reported on again."""
        while True:
            await asyncio.sleep(self._look_seconds)
            if await self.reports.learn():
                await self._look_at_everything()

    async def _list_restarted_watches(self) -> None:
        """List the kinds whose watch has begun again: it does not tell what has gone while there was none."""
        while True:
            for resource in sorted(await self._watches.begun(), key=WATCHED.index):
                await self.listing.renew(resource)

    async def wait_for_server(self) -> None:
        """Wait until the API server answers and serves ProductionPolicies."""
        while True:
            try:
                version = await self._cluster.version()
                if await self._cluster.serves(POLICIES):
                    await self._miss_absent_kinds()
                    break
                self._state = "the CustomResourceDefinition is missing"
                log.error("CustomResourceDefinition is missing; install it: kubectl apply -k manifests/")
            except RequestFailed as error:
                self._state = "the API server does not answer"
                log.warning("API server does not answer", error=str(error)[:300])
            await asyncio.sleep(WAIT_SECONDS)
        self.policies.caveat = untested(version[:2]) or ""
        if self.policies.caveat:
            log.warning("version of Kubernetes is not tested", reason=self.policies.caveat)
        self.store.inventory.server = ServerFeatures.of(version)

    async def _miss_absent_kinds(self) -> None:
        for each in WATCHED:
            if each.optional and not await self._serves(each):
                log.info("kind is not served and counts as empty", kind=str(each.group_kind))
                self._watches.miss(each)

    async def _serves(self, resource: Resource) -> bool:
        """Return whether the API server serves a kind. A forbidden request counts as served; the listing reports it."""
        try:
            return await self._cluster.serves(resource)
        except Refused:
            return True

    async def wait_for_kind(self, resource: Resource) -> None:
        """Wait until the API server serves a kind that it did not serve at the start."""
        served = False
        while not served:
            await asyncio.sleep(self._look_seconds)
            with contextlib.suppress(RequestFailed):
                served = await self._serves(resource)
        log.info("kind is served now", kind=str(resource.group_kind))


async def operate(options: Options) -> int:
    """Run the operator until SIGTERM or SIGINT; return the exit code.

    Raises:
        NoConnection: there are no usable credentials.
    """
    connection = await Connection.load(options.kubeconfig)
    watches = Watches(WATCHED, clock=CLOCK, missed=_end)
    metrics.begin()
    async with connection.client() as api:
        operator = Operator(Cluster(api), watches, options)
        async with Probes(options.host, options.port, alive=operator.alive, ready=operator.ready), _pages(operator):
            return await _run(operator, connection, watches)


@asynccontextmanager
async def _pages(operator: Operator) -> AsyncIterator[None]:
    """Serve the pages, if they are wanted."""
    if operator.page is None:
        yield
        return
    async with Pages(operator.page, look=lambda: known(operator.context, fault=operator.ready())):
        yield


def _end(resource: Resource) -> None:
    """Tell why the operator ends: Kopf gives up when a kind that it watches is not served any more."""
    remedy = "the operator restarts, and waits until `kubectl apply -k manifests/` has installed it again"
    log.critical("operator ends: a kind is no longer served", kind=f"{resource.plural}.{resource.group}", then=remedy)
    logs.mute_libraries()


async def _run(operator: Operator, connection: Connection, watches: Watches) -> int:
    stopped = asyncio.Event()
    _listen(stopped)
    signalled = asyncio.create_task(stopped.wait())
    waiting = asyncio.create_task(operator.wait_for_server())
    await asyncio.wait({waiting, signalled}, return_when=asyncio.FIRST_COMPLETED)
    if not stopped.is_set():
        await _work(operator, connection, watches, stopped, signalled)
    await _cancel(waiting, signalled)
    log.info("stopped")
    return 0 if stopped.is_set() else 1


async def _work(
    operator: Operator,
    connection: Connection,
    watches: Watches,
    stopped: asyncio.Event,
    signalled: asyncio.Task[Any],
) -> None:
    """Work until a signal comes, or something fails that only a restart can mend."""
    async with _watching(operator, connection, watches, stopped) as watching:
        working = asyncio.create_task(operator.work())
        await asyncio.wait({working, *watching, signalled}, return_when=asyncio.FIRST_COMPLETED)
        failure = next((each for each in map(_failure, (working, *watching)) if each is not None), None)
        if failure is not None:
            log.critical("operator ended", error=repr(failure))
        await operator.finish()
        await _cancel(working)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _watching(
    operator: Operator, connection: Connection, watches: Watches, stopped: asyncio.Event
) -> AsyncIterator[set[asyncio.Task[None]]]:
    """Run Kopf alongside the work, and stop it last, because it then cancels all tasks that started after it.

    Kopf looks up the served kinds only once, when it starts. A kind that is served later needs another Kopf.
    """
    ended = asyncio.Event()

    async def log_in() -> kopf.AiohttpSession:
        return await connection.session([watches.trace()], middlewares=[watches.retry_absent])

    async def watch(*resources: Resource) -> asyncio.Task[None]:
        return await _kopf(handlers.registry(operator.intake.put, log_in, resources), ended=ended, stopped=stopped)

    async def watch_later(resource: Resource) -> None:
        await operator.wait_for_kind(resource)
        await (await watch(resource))

    absent = sorted(watches.absent, key=WATCHED.index)
    waiting = [asyncio.create_task(watch_later(each)) for each in absent]
    task = await watch(*(each for each in WATCHED if each not in absent))
    try:
        yield {task, *waiting}
    finally:
        ended.set()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(task, timeout=3)
        await _cancel(*waiting)


async def _kopf(registry: kopf.OperatorRegistry, *, ended: asyncio.Event, stopped: asyncio.Event) -> asyncio.Task[None]:
    """Start Kopf, and take the signals over from it: it would cancel writes that are under way."""
    started = asyncio.Event()
    running = kopf.operator(
        registry=registry,
        settings=handlers.settings(),
        memories=handlers.NoMemories(),
        clusterwide=True,
        identity=IDENTITY,
        ready_flag=started,
        stop_flag=ended,
    )
    task = asyncio.create_task(running)
    await asyncio.wait({task, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    _listen(stopped)
    return task


def _listen(stopped: asyncio.Event) -> None:
    """Have the signals told by an event."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
