"""The addresses of the pages. They are relative, so that they also work behind a proxy such as `kubectl proxy`."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import asdict

from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.overview.cluster.snapshot import Filter


class Links(Struct, frozen=True):
    """The addresses, as seen from one page."""

    up: str
    """The way to the first page."""

    @classmethod
    def at(cls, path: str) -> Links:
        """Return the addresses as seen from a path."""
        return cls("../" * (path.count("/") - 1) or "./")

    def overview(self, *, policy: str = "") -> str:
        """Return the address of the first page, or of the same for one policy."""
        return f"{self.up}{_query(policy=policy)}"

    def namespaces(self, *, page: int = 1) -> str:
        """Return the address of the namespaces."""
        return f"{self.up}namespaces{_query(page=_numbered(page))}"

    def workloads(self, chosen: Filter, *, page: int = 1) -> str:
        """Return the address of some workloads."""
        return f"{self.up}workloads{_query(**asdict(chosen), page=_numbered(page))}"

    def workload(self, key: WorkloadKey) -> str:
        """Return the address of a workload."""
        return f"{self.up}workloads/{_path_of(key)}"

    def json(self, what: str) -> str:
        """Return the address of something as JSON."""
        return f"{self.up}api/v1/{what}"

    def json_of(self, key: WorkloadKey) -> str:
        """Return the address of a workload as JSON."""
        return self.json(f"workloads/{_path_of(key)}")


def _path_of(key: WorkloadKey) -> str:
    return "/".join(quote(each, safe="") for each in (key.namespace, key.kind, key.name))


def _numbered(page: int) -> str:
    return str(page) if page > 1 else ""


def _query(**fields: str) -> str:
    given = {name: value for name, value in fields.items() if value}
    return f"?{urlencode(given)}" if given else ""
