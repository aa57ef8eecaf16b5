"""The way to the API server: one set of credentials for Kopf's watches and for the other requests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import kopf
import yaml
from kubernetes.aio import client, config
from msgspec import Struct

from productionpolicy.kube.identity import NAME

UNUSABLE = (config.ConfigException, yaml.YAMLError, OSError, ValueError, AttributeError, KeyError, TypeError)
"""What the loader raises for files that are none: it trusts their form."""


class NoConnection(Exception):
    """There are no usable credentials; the message says what to do."""


class Connection(Struct, frozen=True):
    """Where the API server is, and as whom the operator is known there."""

    configuration: client.Configuration

    @classmethod
    async def load(cls, kubeconfig: Path | None, *, context: str | None = None) -> Connection:
        """Read a kubeconfig, or the service account of the pod that the operator runs in.

        Args:
            kubeconfig: the kubeconfig; None in a pod.
            context: the context of the kubeconfig; None for the current one.

        Raises:
            NoConnection: neither can be read.
        """
        # The kubeconfig alone says which proxy to use, for all requests. If aiohttp looked into the environment and
        # .netrc as well, it would do so in a thread, twice for each request.
        configuration = client.Configuration(client_session_kwargs={"trust_env": False})
        if kubeconfig is not None and not _exists(kubeconfig):
            raise NoConnection(f"the kubeconfig {kubeconfig} does not exist; pass --kubeconfig FILE or set KUBECONFIG")
        try:
            await _load(configuration, kubeconfig, context)
            await client.ApiClient(configuration).close()  # reads the certificates that the kubeconfig names
        except UNUSABLE as error:
            raise NoConnection(_advice(kubeconfig, error)) from error
        return cls(configuration)

    def client(self) -> client.ApiClient:
        """Return the client for the other requests."""
        api = client.ApiClient(self.configuration)
        api.user_agent = NAME
        return api

    async def session(
        self, traces: Sequence[aiohttp.TraceConfig], *, middlewares: Sequence[aiohttp.ClientMiddlewareType] = ()
    ) -> kopf.AiohttpSession:
        """Return the session for Kopf's watches; the traces hear of every request and every chunk of a response."""
        tls = self.client().rest_client.ssl_context
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls),
            headers={"User-Agent": NAME},
            proxy=self.configuration.proxy,
            middlewares=(*middlewares, self._authorize),
            trace_configs=list(traces),
            read_bufsize=2**21,
        )
        return kopf.AiohttpSession(server=self.configuration.host, aiohttp_session=session)

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Sign each request with the token of the moment: a pod's token is renewed while it runs."""
        token = await self.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            request.headers["Authorization"] = token
        return await handler(request)


async def _load(configuration: client.Configuration, kubeconfig: Path | None, context: str | None) -> None:
    if kubeconfig is None:
        config.load_incluster_config(client_configuration=configuration)
        return
    await config.load_kube_config(
        config_file=str(kubeconfig), context=context, client_configuration=configuration, persist_config=False
    )


def _exists(kubeconfig: Path) -> bool:
    """Say whether a file is there; KUBECONFIG may name several."""
    return any(Path(each).exists() for each in str(kubeconfig).split(os.pathsep))


def _advice(kubeconfig: Path | None, error: Exception) -> str:
    if kubeconfig is None:
        return (
            "there is no kubeconfig in KUBECONFIG, and this is not a pod of a cluster; pass --kubeconfig FILE, such as "
            "~/.kube/config, or set KUBECONFIG"
        )
    return f"cannot use the kubeconfig {kubeconfig}: {error}"
