"""Requests to the API server: one method each, no decision. What goes wrong becomes one of a few errors."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
import msgspec
from kubernetes.aio import client
from msgspec import Struct
from multidict import CIMultiDict

from productionpolicy.controller.clock import ServerClock
from productionpolicy.controller.metrics import REQUEST_SECONDS, REQUESTS
from productionpolicy.controller.resources import (
    ACCESS_REVIEWS,
    EVENTS,
    OWN_ACCESS_REVIEWS,
    PODS,
    POLICIES,
    WORKLOADS,
    Resource,
)
from productionpolicy.controller.rights import Right
from productionpolicy.kube.identity import FIELD_MANAGER
from productionpolicy.kube.owned import Ownable
from productionpolicy.kube.workloads import Workload, WorkloadKey

Raw = dict[str, Any]

PAGE = 500
TIMEOUT_SECONDS = 30
_PATCH = re.compile(r"v[0-9]+\.[0-9]+\.([0-9]+)")
"""The patch release in what a server tells of its version, such as v1.36.3 or v1.35.4-eks-1."""
_CERTIFICATE_REFUSED = re.compile(r"ALERT_\w*CERTIFICATE|ALERT_UNKNOWN_CA")
"""What OpenSSL says if the other side refuses the client's certificate."""
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_LIST_OF_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_EXPIRED, _CONFLICT, _TOO_MANY, _NOT_FOUND, _UNAUTHORIZED, _FORBIDDEN, _SERVER_ERROR = 410, 409, 429, 404, 401, 403, 500


class RequestFailed(Exception):
    """A request had no success; the message is the API server's."""


class Conflict(RequestFailed):
    """The object has changed meanwhile, or exists already."""


class Gone(RequestFailed):
    """The object, or its kind, is not there."""


class Refused(RequestFailed):
    """The API server will not do it, now or later, unless something changes."""


class Forbidden(Refused):
    """The operator lacks the right, or a quota is exhausted: this may change without a trace in the object."""


class Unavailable(RequestFailed):
    """The API server cannot do it now."""

    def __init__(self, message: str, *, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that it asks the client to wait."""


class Unauthorized(Unavailable):
    """The API server does not know the credentials; the operator's are renewed while it runs."""


class Unreachable(Unavailable):
    """There was no answer."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy
        """What a person can do, in one sentence without a full stop."""


class Expired(RequestFailed):
    """The continuation of a list is too old: begin again."""


class Page(Struct, frozen=True):
    """A part of a list."""

    items: list[Raw]
    token: str = ""
    """Asks for the next part; empty at the end."""


class _ListMetadata(Struct, rename="camel"):
    """Where a part of a list ends."""

    continue_: str = msgspec.field(name="continue", default="")
    remaining_item_count: int = 0


class EncodedPage(Struct, frozen=True):
    """A part of a list whose objects are not decoded."""

    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None

    @property
    def objects(self) -> list[msgspec.Raw]:
        """The objects as JSON, without their kind."""
        return self.items or []

    @property
    def token(self) -> str:
        """Asks for the next part; empty at the end."""
        return self.metadata.continue_

    @property
    def total(self) -> int:
        """How many objects this part and those after it have, as far as the API server tells."""
        return len(self.objects) + self.metadata.remaining_item_count


class Live(Protocol):
    """The identity and version of an object, with which a write applies only if the object is unchanged."""

    @property
    def namespace(self) -> str: ...  # noqa: D102  # its name says it

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def uid(self) -> str: ...  # noqa: D102

    @property
    def resource_version(self) -> str: ...  # noqa: D102


class Cluster:
    """The API server.

    Args:
        api: the client.
        headers: names and values to send with each request, for example to act as another user.
    """

    def __init__(self, api: client.ApiClient, *, headers: Iterable[tuple[str, str]] = ()) -> None:
        self._api = api
        self._headers = tuple(headers)
        self.clock = ServerClock()

    async def version(self) -> tuple[int, int, int]:
        """Return the server's version as major, minor and patch."""
        return version_in(await self.version_info())

    async def version_info(self) -> Raw:
        """Return what the server tells of its version."""
        return await self._request("GET", "/version")

    async def serves(self, resource: Resource) -> bool:
        """Say whether the server knows the kind."""
        try:
            await self._request("GET", resource.path(), query={"limit": "1"})
        except Gone:
            return False
        return True

    async def discovers(self, resource: Resource) -> bool:
        """Say whether the server lists the kind among those that it serves. Everybody may ask that."""
        try:
            found = await self._request("GET", f"/apis/{resource.group}/{resource.version}")
        except Gone:
            return False
        return any(each["name"] == resource.plural for each in found["resources"])

    async def find(self, resource: Resource, name: str) -> Raw | None:
        """Return an object that belongs to no namespace; None where there is none of that name."""
        try:
            return await self._request("GET", resource.path(name))
        except Gone:
            return None

    async def pages(self, resource: Resource, namespace: str | None = None) -> AsyncIterator[list[Raw]]:
        """Yield the objects of a kind, in one namespace or in all, page by page, with the kind that lists leave out."""
        async for page in self._pages(resource, resource.path(namespace=namespace), accept="application/json"):
            yield page

    async def matching_pages(self, resource: Resource, selector: str) -> AsyncIterator[list[Raw]]:
        """Yield the objects of a kind that a label selector selects, in all namespaces, page by page."""
        async for page in self._pages(resource, resource.path(), accept="application/json", selector=selector):
            yield page

    async def matching(self, resource: Resource, selector: str, namespace: str | None = None) -> list[Raw]:
        """Return the objects of a kind that a label selector, in the text form of kubectl, selects."""
        found = await self._request("GET", resource.path(namespace=namespace), query={"labelSelector": selector})
        return [{**item, "kind": resource.kind} for item in found["items"] or ()]

    async def metadata_pages(self, resource: Resource, namespace: str) -> AsyncIterator[list[Raw]]:
        """Yield the metadata of all objects of a kind in a namespace, page by page."""
        async for page in self._pages(resource, resource.path(namespace=namespace), accept=_LIST_OF_METADATA):
            yield page

    async def _pages(
        self, resource: Resource, path: str, *, accept: str, selector: str = ""
    ) -> AsyncIterator[list[Raw]]:
        page = await self._page(resource, path, accept=accept, selector=selector)
        yield page.items
        while page.token:
            page = await self._page(resource, path, token=page.token, accept=accept, selector=selector)
            yield page.items

    async def page(
        self, resource: Resource, namespace: str | None = None, *, token: str = "", limit: int | None = PAGE
    ) -> Page:
        """Return a part of the objects of a kind, in one namespace or in all.

        Args:
            resource: the kind.
            namespace: the namespace; None for all.
            token: that of the part before; empty for the first part.
            limit: how many objects to ask for; None for all.

        Raises:
            Expired: the token is too old.
        """
        path = resource.path(namespace=namespace)
        return await self._page(resource, path, token=token, limit=limit, accept="application/json")

    async def _page(
        self,
        resource: Resource,
        path: str,
        *,
        accept: str,
        token: str = "",
        limit: int | None = PAGE,
        selector: str = "",
    ) -> Page:
        found = await self._request("GET", path, query=_list_query(limit, token, selector), accept=accept)
        # An empty list of metadata has null for its items.
        items = [{**item, "kind": resource.kind} for item in found["items"] or ()]
        return Page(items, found["metadata"].get("continue") or "")

    async def encoded_page(self, resource: Resource, *, token: str = "", limit: int = PAGE) -> EncodedPage:
        """Return a part of all objects of a kind without decoding them: that takes most of the time of a long list.

        Raises:
            Expired: the token is too old.
        """
        text = await self._text("GET", resource.path(), query=_list_query(limit, token))
        return msgspec.json.decode(text, type=EncodedPage)

    async def waiting_pods(self, namespace: str) -> list[Raw]:
        """Return the pods of a namespace that no node has yet."""
        query = {"fieldSelector": "spec.nodeName=", "limit": str(PAGE)}
        found = await self._request("GET", PODS.path(namespace=namespace), query=query)
        return list(found["items"] or ())

    async def workload(self, key: WorkloadKey) -> Raw:
        """Return a workload as it is now."""
        return await self._request("GET", _path(key))

    async def patch_workload(self, workload: Workload, patch: Mapping[str, Any]) -> Raw:
        """Patch a workload, if it has not changed, and return it.

        Raises:
            Conflict: it has changed.
        """
        metadata = {**patch.get("metadata", {}), "resourceVersion": workload.resource_version, "uid": workload.uid}
        return await self._request(
            "PATCH",
            _path(workload.key),
            query={"fieldManager": FIELD_MANAGER},
            body={**patch, "metadata": metadata},
            content_type=_STRATEGIC_MERGE_PATCH,
        )

    async def release(self, key: WorkloadKey, raw: Raw) -> None:
        """Remove the operator from the managed fields of a workload, so that any owner may take over what it has set.

        Raises:
            Conflict: the managed fields have changed.
            Forbidden: admission does not allow it.
        """
        operations = _removals(raw)
        if not operations:
            return
        try:
            await self._request(
                "PATCH",
                _path(key),
                query={"fieldManager": FIELD_MANAGER},
                body=operations,
                content_type=_JSON_PATCH,
                accept=_METADATA_ONLY,
            )
        except Forbidden:
            raise
        except Refused as error:
            # A failed test of a JSON patch is answered with 422, and so is what admission denies: only a look tells.
            if _removals(await self.workload(key)) != operations:
                raise Conflict("the managed fields have changed") from error
            raise Forbidden(str(error)) from error

    async def create(self, resource: Resource, manifest: Raw) -> Raw:
        """Create an object, in its namespace if it has one.

        Raises:
            Conflict: it exists already.
        """
        path = resource.path(namespace=manifest["metadata"].get("namespace"))
        return await self._request("POST", path, query={"fieldManager": FIELD_MANAGER}, body=manifest)

    async def dry_run(self, resource: Resource, manifest: Raw) -> Raw:
        """Return what would become of an object if it were created. It is admitted, but not stored."""
        path = resource.path(namespace=manifest["metadata"].get("namespace"))
        query = {"dryRun": "All", "fieldManager": f"{FIELD_MANAGER}-dry-run"}
        return await self._request("POST", path, query=query, body=manifest)

    async def allows(self, right: Right, *, user: str, groups: Sequence[str]) -> bool:
        """Say whether a user may do something in all namespaces."""
        return await self._is_allowed(ACCESS_REVIEWS, right, {"user": user, "groups": list(groups)})

    async def may(self, right: Right) -> bool:
        """Say whether the client itself may do something in all namespaces. Everybody may ask that."""
        return await self._is_allowed(OWN_ACCESS_REVIEWS, right, {})

    async def _is_allowed(self, reviews: Resource, right: Right, subject: Raw) -> bool:
        resource, _, subresource = right.resource.partition("/")
        asked = {"verb": right.verb, "group": right.group, "resource": resource, "subresource": subresource}
        found = await self._request("POST", reviews.path(), body={"spec": {**subject, "resourceAttributes": asked}})
        return bool(found["status"].get("allowed"))

    async def replace(self, resource: Resource, live: Ownable, manifest: Raw) -> Raw:
        """Replace an object, if it is still the one that is known."""
        identity = {"uid": live.uid, "resourceVersion": live.resource_version}
        body = {**manifest, "metadata": {**manifest["metadata"], **identity}}
        path = resource.path(live.name, namespace=live.namespace)
        return await self._request("PUT", path, query={"fieldManager": FIELD_MANAGER}, body=body)

    async def named(self, resource: Resource, namespace: str, name: str) -> Raw:
        """Return an object of a namespace as it is now."""
        return await self._request("GET", resource.path(name, namespace=namespace))

    async def merge(self, resource: Resource, live: Live, manifest: Raw) -> Raw:
        """Give an object the fields of a manifest, if it is still the one that is known."""
        identity = {"uid": live.uid, "resourceVersion": live.resource_version}
        return await self._request(
            "PATCH",
            resource.path(live.name, namespace=live.namespace),
            query={"fieldManager": FIELD_MANAGER},
            body={**manifest, "metadata": {**manifest["metadata"], **identity}},
            content_type=_MERGE_PATCH,
        )

    async def delete(self, resource: Resource, live: Live) -> None:
        """Delete an object, if it is still the one that is known."""
        preconditions = {"uid": live.uid, "resourceVersion": live.resource_version}
        path = resource.path(live.name, namespace=live.namespace)
        await self._request("DELETE", path, body={"preconditions": preconditions})

    async def set_status(self, policy: str, status: Any) -> str:
        """Write the status of a policy, and return the version of the policy with it."""
        path = POLICIES.path(policy, subresource="status")
        found = await self._request(
            "PATCH", path, query={"fieldManager": FIELD_MANAGER}, body={"status": status}, content_type=_MERGE_PATCH
        )
        return str(found["metadata"]["resourceVersion"])

    async def set_finalizers(self, policy: str, finalizers: list[str], *, resource_version: str) -> Raw:
        """Set the finalizers of a policy, if it has not changed, and return it."""
        metadata = {"finalizers": finalizers, "resourceVersion": resource_version}
        return await self._request(
            "PATCH",
            POLICIES.path(policy),
            query={"fieldManager": FIELD_MANAGER},
            body={"metadata": metadata},
            content_type=_MERGE_PATCH,
        )

    async def pause(self, policy: str, *, paused: bool, note: Mapping[str, str | None]) -> None:
        """Pause a policy or let it go on, and set or, with None, remove annotations of it."""
        await self._request(
            "PATCH",
            POLICIES.path(policy),
            query={"fieldManager": f"{FIELD_MANAGER}-stop"},
            body={"metadata": {"annotations": note}, "spec": {"paused": paused}},
            content_type=_MERGE_PATCH,
        )

    async def create_event(self, namespace: str, event: Raw) -> None:
        """Post an Event."""
        await self._request("POST", EVENTS.path(namespace=namespace), body=event)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Raw:
        text = await self._text(method, path, query=query, body=body, content_type=content_type, accept=accept)
        found: Raw = msgspec.json.decode(text) if text else {}
        return found

    async def _text(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> bytes:
        started = time.monotonic()
        status = 0
        try:
            response = await self._send(method, path, query or {}, body, content_type, accept)
            status = response.status
            text = await response.read()
            self.clock.heard(response.headers.get("Date"))
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            host = self._api.configuration.host
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unreachable(f"{method} {path} of {host}: {reason}", remedy=_remedy(error)) from error
        finally:
            REQUESTS.labels(verb=method, code=status).inc()
            REQUEST_SECONDS.labels(verb=method).observe(time.monotonic() - started)
        if status >= 300:  # noqa: PLR2004  # no success
            raise _failure(status, _message(text) or f"HTTP {status}", response.headers)
        return bytes(text)

    async def _send(  # a request has as many parts
        self, method: str, path: str, query: Mapping[str, str], body: Any, content_type: str, accept: str
    ) -> Any:
        # Some names may occur several times, such as the groups of another user.
        headers = CIMultiDict(
            [
                ("Accept", accept),
                ("Content-Type", content_type),
                ("User-Agent", self._api.user_agent),
                *self._headers,
            ]
        )
        configuration = self._api.configuration
        token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        url = f"{configuration.host.rstrip('/')}{path}{'?' if query else ''}{urlencode(query)}"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        return await self._api.rest_client.request(method, url, headers=headers, body=body, _request_timeout=timeout)


def version_in(info: Raw) -> tuple[int, int, int]:
    """Return major, minor and patch of what a server tells of its version."""
    patch = _PATCH.match(info.get("gitVersion", ""))
    minor = int("".join(each for each in info["minor"] if each.isdigit()))
    return int(info["major"]), minor, int(patch.group(1)) if patch else 0


def _path(key: WorkloadKey) -> str:
    return WORKLOADS[key.kind].path(key.name, namespace=key.namespace)


def _removals(raw: Raw) -> list[Raw]:
    """Return JSON patch operations that remove the operator's entries, the last one first, if each is still there."""
    entries = enumerate(raw["metadata"].get("managedFields", []))
    ours = [at for at, each in entries if each.get("manager") == FIELD_MANAGER and not each.get("subresource")]
    return [
        operation
        for at in reversed(ours)
        for operation in (
            {"op": "test", "path": f"/metadata/managedFields/{at}/manager", "value": FIELD_MANAGER},
            {"op": "remove", "path": f"/metadata/managedFields/{at}"},
        )
    ]


def _list_query(limit: int | None, token: str, selector: str = "") -> dict[str, str]:
    """Return the parameters of a request for a part of a list; without a limit, for all of it."""
    parameters = {"limit": str(limit or ""), "continue": token, "labelSelector": selector}
    return {name: value for name, value in parameters.items() if value}


def _remedy(error: Exception) -> str:
    """Return what a person can do about a request that had no answer."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "Check the name of the server in the kubeconfig, and whether the network or a VPN resolves it"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return (
            "Check certificate-authority-data and the address in the kubeconfig: they may belong to another cluster, "
            "or the certificate of the server may have expired"
        )
    if _CERTIFICATE_REFUSED.search(str(error)):
        return "It does not accept the client certificate of the kubeconfig, which may have expired: log in again"
    return "Check the address in the kubeconfig, and the network"


def _failure(status: int, message: str, headers: Mapping[str, str]) -> RequestFailed:
    if status in (_TOO_MANY, _UNAUTHORIZED) or status >= _SERVER_ERROR:
        return (Unauthorized if status == _UNAUTHORIZED else Unavailable)(
            message, retry_after=_seconds(headers.get("Retry-After"))
        )
    kinds = {_CONFLICT: Conflict, _NOT_FOUND: Gone, _EXPIRED: Expired, _FORBIDDEN: Forbidden}
    return kinds.get(status, Refused)(message)


def _message(text: bytes) -> str:
    try:
        return str(msgspec.json.decode(text).get("message", ""))
    except (msgspec.DecodeError, AttributeError):
        return text[:200].decode(errors="replace")


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
