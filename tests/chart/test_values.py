"""Every value of the chart has the effect that it is meant to have, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chart.schema import NotAValue, schema
from chart.values import NotExplained, read
from monitoring.alerts import alerts
from productionpolicy.controller.admission_policies import GUARD_BINDINGS
from support.charts import ABSENT, CHART, VERSION, Helm, HelmFailed, by_name, changes
from support.manifests import Raw

VALUES = [each for each in read((CHART / "values.yaml").read_text()) if not each.section]
SMALL = {"crds": {"enabled": False}, "admission": {"repair": "off", "validation": False, "restraint": False}}
"""Values without the largest objects, which take most of the time."""

NEW = object()
"""Stands for an object that is not there by default."""

DEPLOYMENT = "Deployment/productionpolicy"
POD = f"{DEPLOYMENT} spec template spec"
CONTAINER = f"{POD} containers 0"
ACCOUNT = "ServiceAccount/productionpolicy"
BINDING = "ClusterRoleBinding/productionpolicy"
REPORTS_ROLE, REPORTS_BINDING = "ClusterRole/productionpolicy-reports", "ClusterRoleBinding/productionpolicy-reports"
VIEWER = "ClusterRole/productionpolicy-viewer"
NETWORK = "NetworkPolicy/productionpolicy"
SERVICE = "Service/productionpolicy-metrics"
PAGE = "Service/productionpolicy-page"
DEFINITION = "CustomResourceDefinition/productionpolicies.productionpolicy.dev"
GUARD = "productionpolicy-uninstall"
ALERTS = "PrometheusRule/productionpolicy"
DASHBOARD = "ConfigMap/productionpolicy-dashboard"
RESTRAINT = "productionpolicy-restraint"
POLICY = {"name": "default", "spec": {"mode": "Audit"}}
TOLERATION = {"key": "dedicated", "operator": "Exists"}
CONSTRAINT = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
RULE = {"action": "drop", "regex": "go_.*"}
DIGEST = "sha256:" + "0" * 64
SERVED = [f"monitoring.coreos.com/v1/{kind}" for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule")]


def at(base: str, **leaves: Any) -> dict[str, Any]:
    """Return the changes below a path; a double underscore separates names."""
    return {f"{base} {path.replace('__', ' ')}": value for path, value in leaves.items()}


EFFECTS: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "image.registry": ("images.example", at(CONTAINER, image=f"images.example/productionpolicy:{VERSION}")),
    "image.repository": ("team/operator", at(CONTAINER, image=f"team/operator:{VERSION}")),
    "image.tag": ("1.2", at(CONTAINER, image="productionpolicy:1.2")),
    "image.digest": (DIGEST, at(CONTAINER, image=f"productionpolicy@{DIGEST}")),
    "image.pullPolicy": ("Always", at(CONTAINER, imagePullPolicy="Always")),
    "imagePullSecrets": ([{"name": "login"}], at(POD, imagePullSecrets__0__name="login")),
    "crds.enabled": (False, {DEFINITION: ABSENT}),
    "crds.keep": (False, {f"{DEFINITION} metadata annotations helm.sh/resource-policy": ABSENT}),
    "admission.repair": (
        "off",
        {
            f"MutatingAdmissionPolicy{rest}": ABSENT
            for rest in (
                "/productionpolicy",
                "/productionpolicy-guard",
                *(f"Binding/{each}" for each in GUARD_BINDINGS),
            )
        },
    ),
    "admission.validation": (
        False,
        {f"ValidatingAdmissionPolicy/productionpolicy-{action}": ABSENT for action in ("deny", "warn")},
    ),
    "admission.restraint": (
        False,
        {f"ValidatingAdmissionPolicy{rest}/{RESTRAINT}": ABSENT for rest in ("", "Binding")},
    ),
    "policies": ([POLICY], {"ProductionPolicy/default": NEW}),
    "uninstallGuard": (
        False,
        {
            f"{kind}/{GUARD}": ABSENT
            for kind in ("ConfigMap", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
        },
    ),
    "serviceAccount.create": (
        False,
        {
            ACCOUNT: ABSENT,
            **at(POD, serviceAccountName="default"),
            **at(BINDING, subjects__0__name="default"),
            **at(REPORTS_BINDING, subjects__0__name="default"),
        },
    ),
    "serviceAccount.name": (
        "robot",
        {
            ACCOUNT: ABSENT,
            "ServiceAccount/robot": NEW,
            **at(POD, serviceAccountName="robot"),
            **at(BINDING, subjects__0__name="robot"),
            **at(REPORTS_BINDING, subjects__0__name="robot"),
        },
    ),
    "serviceAccount.annotations": ({"role": "reader"}, at(ACCOUNT, metadata__annotations__role="reader")),
    "serviceAccount.labels": ({"team": "platform"}, at(ACCOUNT, metadata__labels__team="platform")),
    "rbac.create": (
        False,
        dict.fromkeys(["ClusterRole/productionpolicy", VIEWER, BINDING, REPORTS_ROLE, REPORTS_BINDING], ABSENT),
    ),
    "reports.enabled": (False, {REPORTS_ROLE: ABSENT, REPORTS_BINDING: ABSENT}),
    **{
        f"rbac.aggregateTo{role.title()}": (
            told == "true",
            {f"{VIEWER} metadata labels rbac.authorization.k8s.io/aggregate-to-{role}": told},
        )
        for role, told in {"view": ABSENT, "edit": "true", "admin": "true"}.items()
    },
    "drainAudit.enabled": (
        True,
        {f"{kind}/productionpolicy-drain-audit": NEW for kind in ("ClusterRole", "ClusterRoleBinding")},
    ),
    "resources": ({"limits": {"memory": "2Gi"}}, at(CONTAINER, resources__limits__memory="2Gi")),
    "nodeSelector": ({"disk": "ssd"}, at(POD, nodeSelector__disk="ssd")),
    "tolerations": ([TOLERATION], at(POD, tolerations__2__key="dedicated", tolerations__2__operator="Exists")),
    "nodeFailureSeconds": (
        60,
        at(POD, tolerations__0__tolerationSeconds=60, tolerations__1__tolerationSeconds=60),
    ),
    "affinity": ({"podAffinity": {}}, at(POD, affinity__podAffinity={})),
    "topologySpreadConstraints": (
        [CONSTRAINT],
        {f"{POD} topologySpreadConstraints 0 {name}": value for name, value in CONSTRAINT.items()},
    ),
    "priorityClassName": ("high", at(POD, priorityClassName="high")),
    "podAnnotations": ({"note": "1"}, at(DEPLOYMENT, spec__template__metadata__annotations__note="1")),
    "podLabels": ({"team": "platform"}, at(DEPLOYMENT, spec__template__metadata__labels__team="platform")),
    "podSecurityContext": ({"runAsUser": 1000}, at(POD, securityContext__runAsUser=1000)),
    "securityContext": ({"privileged": False}, at(CONTAINER, securityContext__privileged=False)),
    "hostUsers": (False, at(POD, hostUsers=False)),
    "extraArgs": (["--verbose"], at(CONTAINER, args__5="--verbose")),
    "extraEnv": (
        [{"name": "HTTPS_PROXY", "value": "http://proxy"}],
        at(CONTAINER, env__0__name="HTTPS_PROXY", env__0__value="http://proxy"),
    ),
    "extraVolumes": (
        [{"name": "authorities", "emptyDir": {}}],
        at(POD, volumes__0__name="authorities", volumes__0__emptyDir={}),
    ),
    "extraVolumeMounts": (
        [{"name": "authorities", "mountPath": "/ca"}],
        at(CONTAINER, volumeMounts__0__name="authorities", volumeMounts__0__mountPath="/ca"),
    ),
    "extraObjects": (
        [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-map"}},
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: {{ .Release.Name }}-text}}",
        ],
        {"ConfigMap/productionpolicy-map": NEW, "ConfigMap/productionpolicy-text": NEW},
    ),
    "networkPolicy.enabled": (False, {NETWORK: ABSENT}),
    "networkPolicy.apiServerPorts": (
        [8443],
        {
            f"{NETWORK} spec egress 1 ports 0 port": 8443,
            f"{NETWORK} spec egress 1 ports 1 port": ABSENT,
            f"{NETWORK} spec egress 1 ports 1 protocol": ABSENT,
        },
    ),
    "networkPolicy.ingressFrom": (
        [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
        at(NETWORK, spec__ingress__0__from__0__podSelector__matchLabels__app="prometheus"),
    ),
    "networkPolicy.extraEgress": ([{"ports": [{"port": 3128}]}], at(NETWORK, spec__egress__2__ports__0__port=3128)),
    "page.enabled": (
        True,
        {
            PAGE: NEW,
            **at(CONTAINER, args__5="--page", args__6="0.0.0.0:8081"),
            **at(CONTAINER, ports__1__name="page", ports__1__containerPort=8081),
            **at(NETWORK, spec__ingress__1__ports__0__port="page", spec__ingress__1__ports__0__protocol="TCP"),
        },
    ),
    "service.enabled": (True, {SERVICE: NEW}),
    "grafanaDashboard.enabled": (True, {DASHBOARD: NEW}),
}
"""What each value is set to, and what then differs from the defaults."""

OF_SERVICE: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "service.port": (9090, at(SERVICE, spec__ports__0__port=9090)),
    "service.annotations": ({"scrape": "true"}, at(SERVICE, metadata__annotations__scrape="true")),
    "service.labels": ({"team": "platform"}, at(SERVICE, metadata__labels__team="platform")),
}
"""The same where service.enabled is true."""


OF_PAGE: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "page.port": (80, at(PAGE, spec__ports__0__port=80)),
    "page.ingressFrom": (
        [{"podSelector": {"matchLabels": {"app": "portal"}}}],
        at(NETWORK, spec__ingress__1__from__0__podSelector__matchLabels__app="portal"),
    ),
}
"""The same where page.enabled is true."""


def of_monitor(kind: str, endpoint: str) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return the same for a monitor that is enabled."""
    one = f"{kind}/productionpolicy"
    told = f"spec__{endpoint}__0__"
    return {
        "namespace": ("monitoring", at(one, metadata__namespace="monitoring")),
        "labels": ({"release": "stack"}, at(one, metadata__labels__release="stack")),
        "annotations": ({"note": "1"}, at(one, metadata__annotations__note="1")),
        "interval": ("30s", at(one, **{f"{told}interval": "30s"})),
        "scrapeTimeout": ("5s", at(one, **{f"{told}scrapeTimeout": "5s"})),
        "honorLabels": (True, at(one, **{f"{told}honorLabels": True})),
        **{
            name: ([RULE], at(one, **{f"{told}{name}__0__{key}": value for key, value in RULE.items()}))
            for name in ("relabelings", "metricRelabelings")
        },
    }


OF_MONITORS: Mapping[str, tuple[Any, dict[str, Any]]] = {
    f"{monitor}.{name}": effect
    for monitor, effects in {
        "serviceMonitor": of_monitor("ServiceMonitor", "endpoints"),
        "podMonitor": of_monitor("PodMonitor", "podMetricsEndpoints"),
    }.items()
    for name, effect in effects.items()
}
OF_ALERTS: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "prometheusRule.namespace": ("monitoring", at(ALERTS, metadata__namespace="monitoring")),
    "prometheusRule.labels": ({"release": "stack"}, at(ALERTS, metadata__labels__release="stack")),
    "prometheusRule.annotations": ({"note": "1"}, at(ALERTS, metadata__annotations__note="1")),
    "prometheusRule.alertLabels": (
        {"severity": "critical", "team": "platform"},
        {
            f"{ALERTS} spec groups 0 rules {number} labels {label}": value
            for number in range(len(alerts()))
            for label, value in (("severity", "critical"), ("team", "platform"))
        },
    ),
    "prometheusRule.runbookUrl": (
        "https://wiki.example/alerts",
        {
            f"{ALERTS} spec groups 0 rules {number} annotations runbook_url": f"https://wiki.example/alerts#{name.lower()}"
            for number, name in enumerate(alerts())
        },
    ),
}
"""The same where prometheusRule.enabled is true."""

OF_DASHBOARD: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "grafanaDashboard.namespace": ("monitoring", at(DASHBOARD, metadata__namespace="monitoring")),
    "grafanaDashboard.labels": ({"dashboards": "yes"}, at(DASHBOARD, metadata__labels__dashboards="yes")),
    "grafanaDashboard.annotations": (
        {"grafana_folder": "Policies"},
        at(DASHBOARD, metadata__annotations__grafana_folder="Policies"),
    ),
}
"""The same where grafanaDashboard.enabled is true."""

NAMES = {"nameOverride", "fullnameOverride", "namespaceOverride", "commonLabels"}
"""Values that change many objects, each with a test of its own."""

MONITORS = {
    f"{monitor}.{name}"
    for monitor in ("serviceMonitor", "podMonitor", "prometheusRule")
    for name in ("enabled", "renderMode")
}
"""Values that decide whether there is an object for the Prometheus operator, which have tests of their own."""


def nested(name: str, value: Any) -> Raw:
    """Return values with one set by its name."""
    for part in reversed(name.split(".")):
        value = {part: value}
    return dict(value)


def together(one: Raw, other: Raw) -> Raw:
    both = {name: {**one[name], **other[name]} for name in one.keys() & other.keys()}
    return {**one, **other, **both}


def effect_of(helm: Helm, name: str, value: Any, *, given: Raw) -> dict[str, Any]:
    """Return what a value changes, with `NEW` for each object that it brings."""
    before, after = (helm.rendered(values, served=SERVED) for values in (given, together(given, nested(name, value))))
    # Only whole objects have a kind.
    told = changes(before, after)
    return {path: NEW if isinstance(each, dict) and "kind" in each else each for path, each in told.items()}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_value_changes_what_it_names(helm_4: Helm, name: str) -> None:
    value, expected = EFFECTS[name]
    given = {} if name.startswith(("crds.", "admission.")) else SMALL

    assert effect_of(helm_4, name, value, given=given) == expected


@pytest.mark.parametrize("name", OF_SERVICE)
def test_a_value_changes_the_service(helm_4: Helm, name: str) -> None:
    value, expected = OF_SERVICE[name]

    assert effect_of(helm_4, name, value, given={**SMALL, "service": {"enabled": True}}) == expected


@pytest.mark.parametrize("name", OF_PAGE)
def test_a_value_changes_the_page(helm_4: Helm, name: str) -> None:
    value, expected = OF_PAGE[name]

    assert effect_of(helm_4, name, value, given={**SMALL, "page": {"enabled": True}}) == expected


@pytest.mark.parametrize("name", [*OF_MONITORS, *OF_ALERTS, *OF_DASHBOARD])
def test_a_value_changes_a_part_of_the_monitoring(helm_4: Helm, name: str) -> None:
    value, expected = {**OF_MONITORS, **OF_ALERTS, **OF_DASHBOARD}[name]
    section, _, _ = name.partition(".")

    assert effect_of(helm_4, name, value, given={**SMALL, section: {"enabled": True}}) == expected


def test_an_alert_can_be_left_out_by_its_name(helm_4: Helm) -> None:
    def named(*disabled: str) -> list[str]:
        values = {**SMALL, "prometheusRule": {"enabled": True, "disabledAlerts": list(disabled)}}
        rule = by_name(helm_4.rendered(values, served=SERVED))[ALERTS]
        return [each["alert"] for group in rule["spec"]["groups"] for each in group["rules"]]

    assert named() == alerts()
    assert named(alerts()[1]) == [alerts()[0], *alerts()[2:]]


def test_every_value_has_a_test() -> None:
    tested = {*EFFECTS, *OF_PAGE, *OF_SERVICE, *OF_MONITORS, *OF_ALERTS, *OF_DASHBOARD, *NAMES, *MONITORS}
    tested.add("prometheusRule.disabledAlerts")

    assert {each.name for each in VALUES} == tested


@pytest.mark.parametrize(
    ("name", "objects"),
    [
        pytest.param("serviceMonitor", {"ServiceMonitor/productionpolicy", SERVICE}, id="ServiceMonitor"),
        pytest.param("podMonitor", {"PodMonitor/productionpolicy"}, id="PodMonitor"),
        pytest.param("prometheusRule", {ALERTS}, id="PrometheusRule"),
    ],
)
def test_a_monitor_comes_where_its_kind_is_served_or_by_force(helm_4: Helm, name: str, objects: set[str]) -> None:
    def brought(mode: str, *served: str) -> set[str]:
        values = {**SMALL, name: {"enabled": True, "renderMode": mode}}
        return set(changes(helm_4.rendered(SMALL), helm_4.rendered(values, served=served)))

    assert brought("skipIfMissing") == set()
    assert brought("skipIfMissing", *SERVED) == objects
    assert brought("failIfMissing", *SERVED) == objects
    assert brought("alwaysRender") == objects
    with pytest.raises(HelmFailed, match=rf"{name}\.enabled: the API server does not serve"):
        brought("failIfMissing")


def test_a_service_monitor_selects_the_service_and_a_pod_monitor_the_pod(helm_4: Helm, everything: Raw) -> None:
    objects = {each["kind"]: each for each in helm_4.rendered(everything)}
    pod = objects["Deployment"]["spec"]["template"]
    [port] = objects["Service"]["spec"]["ports"]

    def selects(selector: Raw, labels: Raw) -> bool:
        return selector.items() <= labels.items()

    assert selects(objects["Service"]["spec"]["selector"], pod["metadata"]["labels"])
    assert port["targetPort"] in [each["name"] for each in pod["spec"]["containers"][0]["ports"]]
    for kind, labels, endpoints, name in (
        ("ServiceMonitor", objects["Service"]["metadata"]["labels"], "endpoints", port["name"]),
        ("PodMonitor", pod["metadata"]["labels"], "podMetricsEndpoints", port["targetPort"]),
    ):
        spec = objects[kind]["spec"]
        assert selects(spec["selector"]["matchLabels"], labels)
        assert spec["namespaceSelector"]["matchNames"] == ["productionpolicy-system"]
        assert [each["port"] for each in spec[endpoints]] == [name]


def test_common_labels_are_on_all_objects_and_on_the_pod_but_select_nothing(helm_4: Helm, everything: Raw) -> None:
    labels = {"team": "platform", "app.kubernetes.io/name": "not this"}
    objects = helm_4.rendered({**everything, "extraObjects": [], "commonLabels": labels})
    [deployment] = [each for each in objects if each["kind"] == "Deployment"]

    for each in (*objects, deployment["spec"]["template"]):
        assert each["metadata"]["labels"]["team"] == "platform"
        assert each["metadata"]["labels"]["app.kubernetes.io/name"] == "productionpolicy"
    assert "team" not in deployment["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize(
    ("release", "values", "name", "label"),
    [
        pytest.param("productionpolicy", {}, "productionpolicy", "productionpolicy", id="defaults"),
        pytest.param("prod", {}, "prod-productionpolicy", "productionpolicy", id="another-release"),
        pytest.param("prod", {"nameOverride": "pp"}, "prod-pp", "pp", id="nameOverride"),
        pytest.param("prod", {"fullnameOverride": "pp"}, "pp", "productionpolicy", id="fullnameOverride"),
        pytest.param("r" * 53, {}, "r" * 53, "productionpolicy", id="long-release"),
    ],
)
def test_names_follow_from_the_release(helm_4: Helm, release: str, values: Raw, name: str, label: str) -> None:
    objects = helm_4.rendered(values, release=release)
    named = {each["kind"]: each["metadata"]["name"] for each in objects}
    [deployment] = [each for each in objects if each["kind"] == "Deployment"]

    for kind in ("ServiceAccount", "Deployment", "NetworkPolicy"):
        assert named[kind] == name
    bindings = [each["metadata"]["name"] for each in objects if each["kind"] == "ClusterRoleBinding"]
    assert sorted(bindings) == [name, f"{name}-reports"]
    assert deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == label
    assert max(len(each["metadata"]["name"]) for each in objects) <= 63
    # The operator knows the admission policies by their names.
    assert {f"MutatingAdmissionPolicyBinding/{each}" for each in GUARD_BINDINGS} <= by_name(objects).keys()


def test_names_that_look_like_numbers_stay_text(helm_4: Helm, everything: Raw) -> None:
    names = {"fullnameOverride": "1e3", "namespaceOverride": "007", "serviceAccount": {"name": "12"}}
    objects = helm_4.rendered({**everything, **names}, release="1")

    named = {(each["kind"], each["metadata"]["name"], each["metadata"].get("namespace")) for each in objects}
    assert {("Deployment", "1e3", "007"), ("ServiceAccount", "12", "007"), ("PodMonitor", "1e3", "007")} <= named
    bindings = [each for each in objects if each["kind"] == "ClusterRoleBinding"]
    bound = {(each["roleRef"]["name"], each["subjects"][0]["name"]) for each in bindings}
    assert bound == {("1e3", "12"), ("1e3-drain-audit", "12"), ("1e3-reports", "12")}
    assert {type(word) for name in named for word in name} == {str, type(None)}


def test_another_namespace_is_meant_everywhere(helm_4: Helm, everything: Raw) -> None:
    objects = helm_4.rendered({**everything, "policies": [], "extraObjects": [], "namespaceOverride": "elsewhere"})

    assert {each["metadata"].get("namespace", "elsewhere") for each in objects} == {"elsewhere"}
    assert "productionpolicy-system" not in str(objects)


@pytest.mark.parametrize(
    ("values", "account"),
    [
        pytest.param({}, "productionpolicy-system:prod-productionpolicy", id="defaults"),
        pytest.param({"fullnameOverride": "pp"}, "productionpolicy-system:pp", id="fullnameOverride"),
        pytest.param({"namespaceOverride": "other"}, "other:prod-productionpolicy", id="namespaceOverride"),
        pytest.param({"serviceAccount": {"name": "robot"}}, "productionpolicy-system:robot", id="serviceAccount.name"),
        pytest.param({"serviceAccount": {"create": False}}, "productionpolicy-system:default", id="no-account"),
    ],
)
def test_the_account_as_which_the_operator_runs_is_the_one_that_is_restrained(
    helm_4: Helm, values: Raw, account: str
) -> None:
    objects = by_name(helm_4.rendered(values, release="prod"))
    [condition] = objects[f"ValidatingAdmissionPolicy/{RESTRAINT}"]["spec"]["matchConditions"]
    [operator] = [each for each in objects.values() if each["kind"] == "Deployment"]

    assert condition["expression"] == f'request.userInfo.username == "system:serviceaccount:{account}"'
    assert operator["spec"]["template"]["spec"]["serviceAccountName"] == account.partition(":")[2]


def test_a_digest_decides_where_there_is_a_tag_as_well(helm_4: Helm) -> None:
    image = {"registry": "images.example:5000", "tag": "1.2", "digest": DIGEST}
    [deployment] = [each for each in helm_4.rendered({"image": image}) if each["kind"] == "Deployment"]

    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"images.example:5000/productionpolicy:1.2@{DIGEST}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image.pullPolicy", "Sometimes"),
        ("image.tag", 1.1),
        ("image.digest", "sha256:0"),
        ("image.name", "operator"),
        ("imagePullSecrets", "login"),
        ("replicas", 2),
        ("crds.enabled", "yes"),
        ("admission.repair", "v2"),
        ("policies", [{"name": "default", "spec": {"mode": "audit"}}]),
        ("policies", [{"name": "default"}]),
        ("commonLabels", {"version": 1}),
        ("fullnameOverride", "Not_A_Name"),
        ("hostUsers", "no"),
        ("extraEnv", {"HTTPS_PROXY": "http://proxy"}),
        ("networkPolicy.apiServerPorts", ["https"]),
        ("service.port", 70000),
        ("serviceMonitor.renderMode", "skip"),
        ("podMonitor.interval", "half a minute"),
        ("prometheusRule.disabledAlerts", ["NoSuchAlert"]),
        ("prometheusRule.runbookUrl", "https://wiki.example/alerts#one"),
        ("grafanaDashboard.labels", {"grafana_dashboard": 1}),
    ],
)
def test_a_bad_value_is_refused_by_its_name(helm: Helm, name: str, value: Any) -> None:
    with pytest.raises(HelmFailed) as refused:
        helm.rendered(nested(name, value))

    *section, last = name.split(".")
    message = str(refused.value)
    assert "values don't meet the specifications of the schema" in message
    assert all(part in message for part in (*section, last)), message


def test_nothing_is_known_of_a_value_that_is_not_there() -> None:
    with pytest.raises(NotAValue, match=r"image\.tag"):
        schema([each for each in VALUES if each.name != "image.tag"])


def test_a_value_without_a_comment_is_refused() -> None:
    with pytest.raises(NotExplained, match=r"image\.tag"):
        read("# The image.\nimage:\n  # Where it is.\n  repository: here\n\n  tag: new\n")
