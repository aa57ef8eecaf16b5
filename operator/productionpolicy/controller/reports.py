"""Writing the reports that other tools read: one for each workload, where it says something else than before.

Reports come after repairs: they have a queue of their own with one worker, which goes slowly while workloads wait to be
repaired. A report that changes again soon is written once.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import msgspec
import structlog
from msgspec import Struct

from productionpolicy.controller.cluster import (
    Conflict,
    Forbidden,
    Gone,
    Raw,
    Refused,
    RequestFailed,
    Unavailable,
)
from productionpolicy.controller.context import Context
from productionpolicy.controller.destinations import Refusal
from productionpolicy.controller.policies import Policies
from productionpolicy.controller.queue import Retry, WorkQueue
from productionpolicy.controller.resources import REPORTS
from productionpolicy.controller.rights import REPORT_RIGHTS
from productionpolicy.kube.identity import MANAGED_BY, NAME
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.policy import ReportsMode
from productionpolicy.reports import Form, content_of, is_own, report_name, report_on, workload_uid
from productionpolicy.verdict import Evaluation

SETTLE_SECONDS = 5.0
"""How long a change waits for those that come with it: a new workload is repaired after three seconds."""

WITHDRAWAL_SECONDS = 1.0
"""How long a report that nobody asks for waits until it is deleted: a policy may be replaced by another one."""

PAUSE_SECONDS = 0.1
"""How long the worker waits before each report while workloads wait to be repaired."""

REFUSED_SECONDS = 300.0
"""After how long a report is tried again that the API server refused, for example because of a quota."""

ABSENT_SECONDS = 30.0
"""After how long one is tried again whose namespace or kind was not there."""

_TAKEN = Refused("an object that the operator did not make has the name of its report; delete it")
_NO_RIGHT = re.compile(r"is forbidden: User .* cannot \w+ resource")

log = structlog.get_logger(__name__)


class _Terms(Struct, frozen=True):
    """What a report depends on beside the evaluation."""

    policy: str
    form: Form
    most: int
    """How many results it may list."""


@dataclass(slots=True)
class _Wanted:
    """The report that a workload is to have."""

    namespace: str
    terms: _Terms
    basis: int | None = None
    """A hash of its inputs: while it is unchanged, the report is not made again. None forces that."""
    digest: bytes = b""
    """Of its content; empty where it has not been made."""
    body: bytes | None = None
    """The whole report as JSON, until it is written. There is none while the operator lacks the right to write it."""


class _Stored(Struct, frozen=True):
    """A report of the operator that the API server holds."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    digest: bytes
    """Of its content."""


class Reports:
    """Keeps one report for each workload whose policy asks for reports, and deletes those that nobody asks for.

    Workloads are known by their uid, for which their reports are named. The report on a workload that is deleted is
    deleted by the garbage collector.
    """

    def __init__(self, context: Context, policies: Policies) -> None:
        self._store = context.store
        self._cluster = context.cluster
        self._repairs = context.queue
        self._policies = policies
        self._destinations = policies.destinations
        self.queue: WorkQueue[str] = WorkQueue(of="report", workers=1)
        self._wanted: dict[str, _Wanted] = {}
        self._stored: dict[Form, dict[str, _Stored]] = {form: {} for form in Form}
        self._blocked: set[Form] = set()
        """The kinds that are not tried again for now, because the operator lacks a right."""
        self._learned = False

    def publish(self, evaluation: Evaluation) -> None:
        """Have the report on a governed workload written, if it says something else than before."""
        with _apart_from_repairs():
            self._publish(evaluation)

    def _publish(self, evaluation: Evaluation) -> None:
        inputs = evaluation.inputs
        assert inputs.policy is not None
        form, uid = self._destinations.of(inputs.policy), inputs.workload.uid
        if form is None:
            self.withdraw(uid)
            return
        terms = _Terms(inputs.policy.name, form, inputs.policy.spec.reports.max_results)
        if form in self._blocked:
            self._wanted[uid] = _Wanted(inputs.workload.key.namespace, terms)
            return
        known, basis = self._wanted.get(uid), _basis(evaluation)
        if known is None or known.terms != terms or known.basis != basis:
            report = report_on(evaluation, form, most=terms.most)
            self._wanted[uid] = known = _Wanted(
                inputs.workload.key.namespace, terms, basis, _digest(report), msgspec.json.encode(report)
            )
        if self._is_due(uid, known):
            self.queue.add_after(uid, SETTLE_SECONDS)
        else:
            known.body = None

    def withdraw(self, uid: str) -> None:
        """Have the report on a workload deleted, if there is one."""
        known = self._wanted.pop(uid, None)
        self._destinations.refused.pop(uid, None)
        if known is not None or any(uid in stored for stored in self._stored.values()):
            self.queue.add_after(uid, WITHDRAWAL_SECONDS)

    def forget(self, key: WorkloadKey, uid: str) -> None:
        """Report on a workload no longer: no policy governs it, or it is gone."""
        workload, namespace = self._store.workload(key), self._store.namespaces.get(key.namespace)
        gone = workload is None or workload.uid != uid or workload.deleting
        if gone or namespace is None or namespace.deleting:
            self._drop(uid)
        else:
            self.withdraw(uid)

    def prune(self) -> None:
        """Have the reports deleted that nobody asks for, once all workloads are evaluated."""
        self.queue.add_backlog(self._unwanted())

    async def learn(self) -> bool:
        """Look up which kinds are served, and whether the operator has got a right that it lacked.

        Returns:
            Whether that has changed, so that all workloads have to be evaluated again.
        """
        changed = False
        with _apart_from_repairs():
            changed = await self._learn()
        return changed  # noqa: RET504  # it is False where the block was left by an error

    async def _learn(self) -> bool:
        allowed = await self._try_blocked()
        served = frozenset([form for form in Form if await self._is_served(form)])
        self._learned, changed = True, served ^ self._destinations.served
        self._destinations.served = served
        for form in (each for each in Form if each in changed):
            log.info("reports are served" if form in served else "reports are not served", kind=REPORTS[form].called)
            await self._list(form)
        if changed:
            self._policies.changed(*self._store.policies)
        return allowed or bool(changed)

    async def _try_blocked(self) -> bool:
        """Ask for the rights that the operator lacked; say whether it has got all of those for a kind."""
        allowed = [form for form in Form if form in self._blocked and await self._has_rights(form)]
        self._blocked.difference_update(allowed)
        for form in allowed:
            self._note_allowed(form)
            await self._list(form)
        return any(form not in self._blocked for form in allowed)

    async def _has_rights(self, form: Form) -> bool:
        rights = (each for each in REPORT_RIGHTS if each.group == REPORTS[form].group)
        try:
            return all([await self._cluster.may(each) for each in rights])
        except Refused:
            return True  # it may not even ask: only an attempt tells
        except RequestFailed:
            return False

    def _unwanted(self) -> list[str]:
        """Return the workloads that have a report although nobody asks for it."""
        return [uid for stored in self._stored.values() for uid in stored if uid not in self._wanted]

    async def renew(self) -> None:
        """List the reports again, to find those that others have changed or deleted."""
        with _apart_from_repairs():
            for form in Form:
                await self._list(form)

    async def reconcile(self, uid: str) -> float | None:
        """Write or delete the report on a workload; return after how many seconds it is due again, if it is.

        Raises:
            Retry: it has changed meanwhile, or the API server does not answer.
        """
        await asyncio.sleep(PAUSE_SECONDS if len(self._repairs) else 0)
        for form in Form:
            after = await self._attempt(form, uid)
            if after is not None:
                return after
        return None

    async def _attempt(self, form: Form, uid: str) -> float | None:
        try:
            if form not in self._blocked:
                await self._keep(form, uid)
        except Conflict as error:
            if not await self._refresh(form, uid):
                return self._note_refusal(form, uid, _TAKEN)
            raise Retry(str(error)) from error
        except Gone:
            self._stored[form].pop(uid, None)
            return ABSENT_SECONDS
        except Unavailable as error:
            raise Retry(str(error), after=error.retry_after) from error
        except Refused as error:
            return self._note_refusal(form, uid, error)
        return None

    async def _keep(self, form: Form, uid: str) -> None:
        """Write the report of one kind if it is wanted and differs; delete it if it is not wanted."""
        wanted, stored = self._wanted.get(uid), self._stored[form].get(uid)
        place = wanted or stored
        if place is None or self._rests(place.namespace):
            return
        if wanted is None or wanted.terms.form is not form:
            await self._delete(form, uid, stored)
        elif wanted.body is not None and (stored is None or stored.digest != wanted.digest):
            await self._write(form, uid, wanted, stored)
        elif wanted.body is not None:  # another replica has written it
            wanted.body = None
            self._note_success(form, uid)

    async def _write(self, form: Form, uid: str, wanted: _Wanted, stored: _Stored | None) -> None:
        resource, manifest = REPORTS[form], msgspec.json.decode(wanted.body or b"{}")
        if stored is None:
            raw = await self._cluster.create(resource, manifest)
        else:
            raw = await self._cluster.merge(resource, stored, manifest)
        self._take_in(form, raw)
        wanted.body = None
        self._note_success(form, uid)
        if uid not in self._wanted:  # it was withdrawn meanwhile
            self.queue.add_after(uid, WITHDRAWAL_SECONDS)

    async def _delete(self, form: Form, uid: str, stored: _Stored | None) -> None:
        if stored is None:
            return
        with contextlib.suppress(Gone):
            await self._cluster.delete(REPORTS[form], stored)
        self._stored[form].pop(uid, None)
        self._note_success(form, uid)

    async def _refresh(self, form: Form, uid: str) -> bool:
        """Take in the report as it is now: another writer was there. Say whether the operator may try again."""
        place = self._wanted.get(uid) or self._stored[form].get(uid)
        self._stored[form].pop(uid, None)
        if place is None:
            return True
        try:
            raw = await self._cluster.named(REPORTS[form], place.namespace, report_name(uid))
        except RequestFailed:
            return True
        self._take_in(form, raw)
        return uid in self._stored[form]

    async def _list(self, form: Form) -> None:
        """Take in all reports of the operator of one kind, if it is served."""
        if form not in self._destinations.served:
            self._stored[form] = {}
            return
        try:
            self._stored[form] = await self._found(form)
        except Forbidden as error:
            self._note_forbidden(form, error)
            return
        except RequestFailed as error:
            log.warning("reports could not be listed", kind=REPORTS[form].called, error=str(error)[:300])
            return
        for uid, each in self._wanted.items():
            if each.terms.form is form and each.body is None and self._is_due(uid, each):
                each.basis = None

    async def _found(self, form: Form) -> dict[str, _Stored]:
        """Return the reports of the operator of one kind, by the uid of their workload."""
        found: dict[str, _Stored] = {}
        async for page in self._cluster.matching_pages(REPORTS[form], f"{MANAGED_BY}={NAME}"):
            found.update(each for each in map(_read, page) if each is not None)
            await asyncio.sleep(0)
        return found

    async def _is_served(self, form: Form) -> bool:
        """Say whether a kind is served. Where the API server does not answer, it is as before."""
        before = form in self._destinations.served
        if self._learned and not before and not self._is_asked_for():
            return False  # at the start it is looked up in any case: there may be reports to delete
        try:
            return await self._cluster.discovers(REPORTS[form])
        except RequestFailed:
            return before

    def _is_asked_for(self) -> bool:
        policies = (each.policy for each in self._store.policies.values())
        return any(each is not None and each.spec.reports.mode is not ReportsMode.OFF for each in policies)

    def _is_due(self, uid: str, wanted: _Wanted) -> bool:
        """Say whether a report of the workload must be written or deleted."""
        stored = self._stored[wanted.terms.form].get(uid)
        elsewhere = any(uid in each for form, each in self._stored.items() if form is not wanted.terms.form)
        return elsewhere or stored is None or stored.digest != wanted.digest

    def _rests(self, namespace: str) -> bool:
        """Say whether reports stay as they are: the policy of the namespace is paused or invalid, or it is going."""
        known = self._store.namespaces.get(namespace)
        if known is None or known.deleting:
            return True
        stored = self._store.policies.get(known.policy) if known.policy else None
        return stored is not None and (stored.policy is None or stored.policy.spec.paused)

    def _take_in(self, form: Form, raw: Raw) -> None:
        read = _read(raw)
        if read is not None:
            self._stored[form][read[0]] = read[1]

    def _drop(self, uid: str) -> None:
        """Know a workload no longer."""
        self.queue.forget(uid)
        self._wanted.pop(uid, None)
        self._destinations.refused.pop(uid, None)
        for stored in self._stored.values():
            stored.pop(uid, None)

    def _note_success(self, form: Form, uid: str) -> None:
        self._note_allowed(form)
        if self._destinations.refused.pop(uid, None) is not None:
            self._policies.changed(*self._store.policies)

    def _note_allowed(self, form: Form) -> None:
        if self._destinations.forbidden.pop(form, None) is not None:
            self._policies.changed(*self._store.policies)

    def _note_refusal(self, form: Form, uid: str, error: Refused) -> float | None:
        """Remember what the API server refused; return after how many seconds it is tried again."""
        if _NO_RIGHT.search(str(error)):
            self._note_forbidden(form, error)
            return None
        wanted = self._wanted.get(uid)
        if wanted is not None:
            refusal = Refusal(wanted.terms.policy, wanted.namespace, str(error))
            self._destinations.refused[uid] = refusal
            self._policies.changed(wanted.terms.policy)
        log.warning("report refused", report=report_name(uid), error=str(error)[:300])
        return REFUSED_SECONDS

    def _note_forbidden(self, form: Form, error: Refused) -> None:
        """Write no report of a kind until the operator has the right; then all are made again."""
        self._blocked.add(form)
        for each in (each for each in self._wanted.values() if each.terms.form is form):
            each.basis = each.body = None
        if form not in self._destinations.forbidden:
            log.warning("reports are forbidden", kind=REPORTS[form].called, error=str(error)[:300])
        self._destinations.forbidden[form] = str(error)
        self._policies.changed(*self._store.policies)


@contextlib.contextmanager
def _apart_from_repairs() -> Iterator[None]:
    """Log what goes wrong with reports: it must not stop the repairs."""
    try:
        yield
    except Exception:
        log.exception("work on reports failed")


def _read(raw: Raw) -> tuple[str, _Stored] | None:
    """Return the uid of the workload that a report is on, and the report; None where the operator did not make it."""
    uid, metadata = workload_uid(raw), raw["metadata"]
    if uid is None or not is_own(raw):
        return None
    namespace, name = metadata["namespace"], metadata["name"]
    return uid, _Stored(namespace, name, metadata["uid"], metadata["resourceVersion"], _digest(raw))


def _basis(evaluation: Evaluation) -> int:
    return hash((evaluation.report, evaluation.verdicts, evaluation.plan.changes))


def _digest(raw: Raw) -> bytes:
    return blake2b(content_of(raw), digest_size=16).digest()
