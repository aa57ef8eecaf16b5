"""The recipes of docs/owner-always-wins.md: what the API server makes of an owner's change after a repair.

The repair is made here as the operator makes it, without the operator, so that nothing happens in between.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from control_plane.plane import ControlPlane, KubectlFailed

Object = dict[str, Any]

MANAGER = "productionpolicy"
OUR_SLEEP: Object = {"preStop": {"sleep": {"seconds": 10}}}
CLIENT_SIDE = pytest.param(["apply"], id="client-side")
SERVER_SIDE = pytest.param(["apply", "--server-side", "--field-manager=owner"], id="server-side")
OWN_HOOK: Object = {"lifecycle": {"preStop": {"exec": {"command": ["/bin/drain"]}}}}
OWN_GRACE = 5
NUMBERS = itertools.count(1)

either_side = pytest.mark.parametrize("apply", [CLIENT_SIDE, SERVER_SIDE])


class Owner:
    """Somebody who applies a Deployment of one container again and again."""

    def __init__(self, plane: ControlPlane, apply: list[str], *, name: str) -> None:
        self._plane, self._apply, self._name = plane, apply, name

    def apply(self, container: Object | None = None, **pod: Any) -> None:
        """Apply the whole manifest."""
        labels = {"app": self._name}
        containers = [{"name": "web", "image": "shop/web:1", "ports": [{"containerPort": 8080}], **(container or {})}]
        template = {"metadata": {"labels": labels}, "spec": {"containers": containers, **pod}}
        manifest = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self._name},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        }
        self._plane.kubectl(*self._apply, "-f", "-", stdin=json.dumps(manifest))

    def is_repaired(self) -> None:
        """Add the sleep and a longer grace period, and leave no owner behind."""
        pod = {"containers": [{"name": "web", "lifecycle": OUR_SLEEP}], "terminationGracePeriodSeconds": 40}
        patch = json.dumps({"spec": {"template": {"spec": pod}}})
        self._patch("--type=strategic", f"--field-manager={MANAGER}", "--patch", patch)
        while MANAGER in (managers := self._managers()):
            entry = f"/metadata/managedFields/{managers.index(MANAGER)}"
            still = {"op": "test", "path": f"{entry}/manager", "value": MANAGER}  # others reorder the list meanwhile
            self._patch("--type=json", "--patch", json.dumps([still, {"op": "remove", "path": entry}]), check=False)

    @property
    def pod(self) -> Object:
        """The pod template as it stands."""
        found: Object = self._live()["spec"]["template"]["spec"]
        return found

    def _managers(self) -> list[str]:
        return [each["manager"] for each in self._live("--show-managed-fields")["metadata"]["managedFields"]]

    def _patch(self, *arguments: str, check: bool = True) -> None:
        self._plane.kubectl("patch", "deployment", self._name, *arguments, check=check)

    def _live(self, *arguments: str) -> Object:
        found: Object = json.loads(self._plane.kubectl("get", "deployment", self._name, "--output=json", *arguments))
        return found


@pytest.fixture
def owner(cluster: ControlPlane, apply: list[str]) -> Owner:
    """Return an owner whose workload was repaired."""
    owner = Owner(cluster, apply, name=f"web-{next(NUMBERS)}")
    owner.apply()
    owner.is_repaired()
    assert owner.pod["containers"][0]["lifecycle"] == OUR_SLEEP
    return owner


@either_side
def test_an_apply_that_does_not_mention_the_repair_leaves_it(owner: Owner) -> None:
    before = owner.pod

    owner.apply()

    assert owner.pod == before


@either_side
def test_a_sleep_of_the_owner_wins(owner: Owner) -> None:
    own = {"preStop": {"sleep": {"seconds": 2}}}

    owner.apply({"lifecycle": own}, terminationGracePeriodSeconds=OWN_GRACE)

    assert owner.pod["containers"][0]["lifecycle"] == own
    assert owner.pod["terminationGracePeriodSeconds"] == OWN_GRACE


@either_side
def test_a_renamed_container_comes_without_the_repair(owner: Owner) -> None:
    owner.apply({"name": "server"})

    assert [(each["name"], each.get("lifecycle")) for each in owner.pod["containers"]] == [("server", None)]


@either_side
def test_a_hook_of_another_kind_is_refused_beside_the_sleep(owner: Owner) -> None:
    with pytest.raises(KubectlFailed, match="may not specify more than 1 handler type"):
        owner.apply(OWN_HOOK)


@either_side
def test_a_grace_period_below_the_sleep_is_refused(owner: Owner) -> None:
    with pytest.raises(KubectlFailed, match=r"must be .* less than terminationGracePeriodSeconds"):
        owner.apply(terminationGracePeriodSeconds=OWN_GRACE)


@either_side
def test_adopting_the_sleep_restarts_nothing_and_makes_way_for_a_hook_of_another_kind(owner: Owner) -> None:
    before = owner.pod

    owner.apply({"lifecycle": OUR_SLEEP})
    adopted = owner.pod
    owner.apply(OWN_HOOK)

    assert adopted == before
    assert owner.pod["containers"][0]["lifecycle"] == OWN_HOOK["lifecycle"]


@either_side
def test_adopting_the_sleep_makes_way_for_a_short_grace_period(owner: Owner) -> None:
    owner.apply({"lifecycle": OUR_SLEEP})
    owner.apply(terminationGracePeriodSeconds=OWN_GRACE)

    assert owner.pod["terminationGracePeriodSeconds"] == OWN_GRACE
    assert not owner.pod["containers"][0].get("lifecycle")


@pytest.mark.parametrize("apply", [CLIENT_SIDE])
def test_null_makes_way_for_a_hook_of_another_kind_on_the_client_side(owner: Owner) -> None:
    owner.apply({"lifecycle": {"preStop": {"sleep": None, **OWN_HOOK["lifecycle"]["preStop"]}}})

    assert owner.pod["containers"][0]["lifecycle"] == OWN_HOOK["lifecycle"]


@pytest.mark.parametrize("apply", [CLIENT_SIDE])
def test_null_makes_way_for_a_short_grace_period_on_the_client_side(owner: Owner) -> None:
    owner.apply({"lifecycle": None}, terminationGracePeriodSeconds=OWN_GRACE)

    assert owner.pod["terminationGracePeriodSeconds"] == OWN_GRACE
    assert not owner.pod["containers"][0].get("lifecycle")


@pytest.mark.parametrize("apply", [SERVER_SIDE])
def test_null_removes_nothing_on_the_server_side(owner: Owner) -> None:
    with pytest.raises(KubectlFailed, match="less than terminationGracePeriodSeconds"):
        owner.apply({"lifecycle": None}, terminationGracePeriodSeconds=OWN_GRACE)
