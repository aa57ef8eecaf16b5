"""The story, chapter by chapter. Whatever it claims it has checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from control_plane.installation import AWAIT_KIND
from control_plane.patience import eventually, insist, seconds_until
from demo.excerpt import difference, excerpt, notes
from demo.shop import KINDS, Shop, read_shop
from demo.testbed import Testbed
from owners.manifests import Raw
from owners.rollouts import conditions, is_settled, present_status
from productionpolicy.kube.identity import FINALIZER, POLICY_LABEL

NAMESPACE = "shop"
POLICY = "default"
SHOWN = "Deployment storefront"
DELETED = "storefront-deployment-productionpolicy"
EDITED = "cart-statefulset-productionpolicy"
TERMS = 1
MEND_SECONDS = 20.0
SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Story:
    """What has been seen so far. Each chapter returns what came of it."""

    testbed: Testbed
    before: Shop = field(default_factory=Shop)
    """The shop as its owners wrote it."""
    repaired: Shop = field(default_factory=Shop)

    def cluster(self) -> str:
        """Start a control plane."""
        testbed = self.testbed
        with testbed.narrator.waiting("starting etcd, the API server, its controllers and the nodes"):
            testbed.start_control_plane()
        testbed.narrator.say("A real control plane runs on this machine; its nodes and their pods are simulated.")
        testbed.show("get", "nodes", "-L", "topology.kubernetes.io/zone")
        return "a Kubernetes control plane runs"

    def installation(self) -> str:
        """Install the product and start the operator."""
        testbed = self.testbed
        testbed.show("apply", "-k", "manifests/")
        testbed.run(*AWAIT_KIND)
        testbed.narrator.say(
            "A simulated node runs no container, so the operator runs here as a process: with the token and the "
            "permissions of the ServiceAccount in these manifests, never as an administrator."
        )
        with testbed.narrator.waiting("waiting until the operator is ready"):
            testbed.start_operator()
        testbed.narrator.shown("the operator is ready")
        return "it runs with the permissions of its ServiceAccount"

    def shop(self) -> str:
        """Create the shop and show one of its workloads."""
        testbed = self.testbed
        testbed.show("apply", "-k", "examples/shop", only="apps")
        with testbed.narrator.waiting("waiting until the shop is available"):
            self.before = self._all_available()
        testbed.narrator.shown(f"all {len(self.before.workloads)} workloads are available")
        testbed.narrator.say("One of them; these lines affect how it survives a node drain or a rollout:")
        testbed.narrator.command("kubectl", "get", "deployment", "storefront", "-n", NAMESPACE, "-o", "yaml")
        testbed.narrator.lines(excerpt(self.before.workloads[SHOWN]))
        testbed.narrator.say(
            "No preStop hook, nothing that spreads its pods across nodes, a rollout that may remove pods before new "
            "ones are ready; and no PodDisruptionBudget."
        )
        return f"{len(self.before.workloads)} workloads, {len(self.before.budgets)} disruption budgets"

    def preview(self) -> str:
        """Let the policy judge the shop, and show what it would change."""
        testbed, total = self.testbed, len(self.before.workloads)
        testbed.show("apply", "-f", "examples/policy.yaml")
        testbed.show("patch", "productionpolicy", POLICY, "--type=merge", "-p", '{"spec":{"mode":"Audit"}}')
        testbed.show("label", "namespace", NAMESPACE, f"{POLICY_LABEL}={POLICY}")
        audited = self._follow(
            lambda policy: present_status(policy).get("workloads", {}).get("total") == total,
            otherwise="the shop was not judged",
        )
        testbed.narrator.shown(f"judged after {audited:.1f} s; only the status of the policy is written")
        testbed.show("get", "productionpolicies")
        judged = self._policy()
        testbed.narrator.say("The condition Progressing: " + str(conditions(judged)["Progressing"]["message"]))
        path = "{.status.pending.workloads}"
        testbed.narrator.command("kubectl", "get", "productionpolicy", POLICY, "-o", f"jsonpath={path}")
        testbed.narrator.say("Here as a table:")
        rows = [
            (f"{each['kind']} {each['name']}", "yes" if each["restarts"] else "no", ", ".join(each["changes"]))
            for each in judged["status"]["pending"]["workloads"]
        ]
        insist(bool(rows), "the status lists no workload that would change, although the shop has some")
        testbed.narrator.table(("WORKLOAD", "RESTARTS", "WHAT WOULD BE CHANGED"), rows)
        return f"{len(rows)} workloads would change, {sum(row[1] == 'yes' for row in rows)} of them restart"

    def policy(self) -> str:
        """Let the policy govern the shop."""
        testbed = self.testbed
        testbed.show("patch", "productionpolicy", POLICY, "--type=merge", "-p", '{"spec":{"mode":"Enforce"}}')
        total = len(self.before.workloads)
        seconds = self._follow(
            lambda policy: is_settled(policy, total=total), otherwise="the operator did not come to rest"
        )
        testbed.narrator.shown(f"settled after {seconds:.1f} s, at most 5 workloads restarting at a time")
        self.repaired = self._all_available()
        testbed.show("get", "productionpolicies")
        settled = self._policy()
        message = str(conditions(settled)["Progressing"]["message"])
        testbed.narrator.say(f"The columns add up, and the condition Progressing says what is left: {message}")
        return f"{settled['status']['repaired']} of {total} workloads repaired in {seconds:.1f} s"

    def repairs(self) -> str:
        """Show what was changed."""
        testbed = self.testbed
        testbed.narrator.command("kubectl", "get", "deployment", "storefront", "-n", NAMESPACE, "-o", "yaml")
        before, after = self.before.workloads[SHOWN], self.repaired.workloads[SHOWN]
        testbed.narrator.difference(difference(excerpt(before), excerpt(after)))
        insist(bool(notes(after)), f"{SHOWN} carries no journal of repairs")
        testbed.narrator.say(
            "The annotations are the operator's journal: they show which values are its own, and what to withdraw."
        )
        testbed.show("get", "pdb", "-n", NAMESPACE)
        ours = self.repaired.our_budgets
        insist({DELETED, EDITED} <= set(ours), "the operator created no PodDisruptionBudgets")
        testbed.narrator.say(
            "The names of the operator's budgets end in -productionpolicy; the others belong to owners."
        )
        often = self.repaired.written_more_than_once
        insist(not often, f"more than one change of {', '.join(often)}")
        testbed.narrator.shown("no workload was changed more than once, so its pods restarted at most once")
        return f"{len(ours)} disruption budgets created; at most one restart"

    def people(self) -> str:
        """Show what only people can mend."""
        testbed, violations = self.testbed, self._policy()["status"]["violations"]
        testbed.narrator.command("kubectl", "get", "productionpolicy", POLICY, "-o", "jsonpath={.status.violations}")
        testbed.narrator.say("Here as a table:")
        rows = [(f"{each['kind']} {each['name']}", each["expectation"], each["message"]) for each in violations]
        testbed.narrator.table(("WORKLOAD", "EXPECTATION", "WHAT IS WRONG, AND THE REMEDY"), rows)
        insist(bool(rows), "the status lists no violations, although the shop has some")
        return f"{len(rows)} findings, each with its remedy"

    def drift(self) -> str:
        """Spoil what the operator made, and see it mended."""
        testbed, was = self.testbed, self._budget(DELETED)["metadata"]["uid"]
        testbed.show("delete", "pdb", DELETED, "-n", NAMESPACE)
        back = self._wait_for_budget(
            DELETED, lambda found: found["metadata"]["uid"] != was, otherwise="was not made again"
        )
        testbed.narrator.shown(f"created again after {back:.1f} s")
        patch = '{"spec":{"maxUnavailable":0}}'
        testbed.show("patch", "pdb", EDITED, "-n", NAMESPACE, "--type=merge", "-p", patch)
        right = self._wait_for_budget(
            EDITED, lambda found: found["spec"].get("maxUnavailable") == TERMS, otherwise="was not put right"
        )
        testbed.narrator.shown(f"corrected after {right:.1f} s")
        testbed.show("get", "pdb", DELETED, EDITED, "-n", NAMESPACE)
        return f"one budget created again after {back:.1f} s, another corrected after {right:.1f} s"

    def owner(self) -> str:
        """Let the owner apply the same manifests again."""
        testbed = self.testbed
        testbed.narrator.say("The owners deploy again. Their manifests know nothing of the repairs.")
        before = self._seen()
        testbed.show("apply", "-k", "examples/shop", only="apps")
        after = self._seen()
        if after.replicas != before.replicas:  # the autoscaler has acted in between
            before = after
            testbed.plane.kubectl("apply", "-k", "examples/shop")
            after = self._seen()
        insist(after.generations == before.generations, "the owner's kubectl apply changed a workload")
        insist(after.asked == before.asked, "the owner's kubectl apply undid a repair")
        testbed.narrator.shown(f"no generation of {len(after.workloads)} workloads has changed: no pod restarts")
        testbed.narrator.shown("all repairs are still in effect")
        return f"0 of {len(after.workloads)} workloads changed"

    def withdrawal(self) -> str:
        """Take the policy away, and all repairs with it."""
        testbed = self.testbed
        patch = '{"spec":{"onRemoval":"Revert"}}'
        testbed.show("patch", "productionpolicy", POLICY, "--type=merge", "-p", patch)
        testbed.run("wait", f"--for=jsonpath={{.metadata.finalizers[0]}}={FINALIZER}", f"productionpolicy/{POLICY}")
        testbed.show("delete", "productionpolicy", POLICY, "--wait=false")
        seconds = self._follow(lambda policy: not policy, otherwise="the policy did not go")
        testbed.narrator.shown(f"the policy is deleted after {seconds:.1f} s")
        with testbed.narrator.waiting("waiting until all pods are replaced"):
            self._wait(self._is_as_before, otherwise="the shop was not as before")
        self._show_revisions(self._seen())
        testbed.narrator.shown(
            "all specs are as their owners wrote them, and the pods are those of the old ReplicaSets"
        )
        testbed.narrator.shown("no annotation and no disruption budget of the operator is left")
        return "all as before, with the old ReplicaSets"

    def _seen(self) -> Shop:
        return read_shop([each for kind in KINDS for each in self.testbed.client.all(kind, NAMESPACE)])

    def _all_available(self) -> Shop:
        """Wait until no rollout is under way; an autoscaler may begin one at any moment."""

        def available() -> Shop | None:
            seen = self._seen()
            return seen if all(seen.running.values()) else None

        found: Shop = eventually(available, within=SETTLE_SECONDS, otherwise="the shop did not become available")
        return found

    def _is_as_before(self) -> bool:
        now = self._seen()
        return (now.asked, now.running, now.our_budgets) == (self.before.asked, self.before.running, [])

    def _policy(self) -> Raw:
        return self.testbed.client.find("productionpolicy", POLICY)

    def _wait(self, true: Callable[[], bool], *, otherwise: str, within: float = SETTLE_SECONDS) -> float:
        """Wait until something is true, and return the seconds that it took."""
        return seconds_until(true, within=within, poll_seconds=POLL_SECONDS, otherwise=otherwise)

    def _follow(self, reached: Callable[[Raw], bool], *, otherwise: str) -> float:
        """Tell how far the policy is each time that changes, until it has come to something."""
        started, told = time.monotonic(), ""

        def look() -> bool:
            nonlocal told
            policy = self._policy()
            if _progress(policy) not in ("", told):
                told = _progress(policy)
                self.testbed.narrator.aside(f"{time.monotonic() - started:5.1f} s  {told}")
            return reached(policy)

        with self.testbed.narrator.waiting("waiting for the operator"):
            return self._wait(look, otherwise=otherwise)

    def _budget(self, name: str) -> Raw:
        return self.testbed.client.find("pdb", name, NAMESPACE)

    def _wait_for_budget(self, name: str, right: Callable[[Raw], bool], *, otherwise: str) -> float:
        def look() -> bool:
            found = self._budget(name)
            return bool(found) and right(found)

        return self._wait(look, within=MEND_SECONDS, otherwise=f"the PodDisruptionBudget {name} {otherwise}")

    def _show_revisions(self, now: Shop) -> None:
        self.testbed.narrator.say("The hashes of the current pod templates, as in the names of their ReplicaSets:")
        moments = (self.before, self.repaired, now)
        rows = [(name, *(each.running.get(name, "") for each in moments)) for name in now.workloads]
        self.testbed.narrator.table(("WORKLOAD", "BEFORE", "REPAIRED", "NOW"), rows)


def _progress(policy: Raw) -> str:
    """Return in a line how far the operator has come; empty as long as there is nothing to tell."""
    if "deletionTimestamp" in policy.get("metadata", {}):
        return str(conditions(policy).get("Removal", {}).get("message", ""))
    status = policy.get("status", {})
    if not status.get("workloads", {}).get("total"):
        return ""
    told, pending = status["workloads"], status["pending"]
    return (
        f"{told['repairing']} of {told['total']} workloads are being repaired; "
        f"pending changes: {pending['repairs']}, pending restarts: {pending['restarts']}"
    )


CHAPTERS = (
    ("A cluster", Story.cluster),
    ("The operator", Story.installation),
    ("A shop, as its owners wrote it", Story.shop),
    ("What a policy would change", Story.preview),
    ("A policy", Story.policy),
    ("What it changed", Story.repairs),
    ("What only people can fix", Story.people),
    ("Drift", Story.drift),
    ("The owner's next deployment", Story.owner),
)
LAST = ("Withdrawal", Story.withdrawal)
