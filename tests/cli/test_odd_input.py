"""Whatever a file holds, the command says what it could not read, and judges the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from support.checking import check, report, verdict, written
from support.manifests import Raw, autoscaler, budget, container, deployment
from support.strategies import mangled, workloads

GOOD = written(deployment("good"))


def unreadable(text: str | bytes) -> list[tuple[int, str]]:
    found = report("-", stdin=text)
    return [(each["line"], each["message"]) for each in found["unreadable"]]


def names(text: str | bytes) -> list[str]:
    return [each["name"] for each in report("-", stdin=text)["workloads"]]


BROKEN = {
    "half a list": ("kind: Deployment\nspec: [\n", 3),
    "a tab": ("kind: Deployment\nspec:\n\treplicas: 1\n", 3),
    "an unknown alias": ("kind: Deployment\nspec: *none\n", 2),
    "an unknown tag": ("kind: Deployment\nspec: !!python/object:os.system {}\n", 2),
    "a value that its tag does not allow": ("kind: Deployment\nspec: !!bool maybe\n", 1),
    "a number of many digits": ("kind: Deployment\nspec: {replicas: " + "9" * 5000 + "}\n", 1),
    "a list as key": ("kind: Deployment\nspec: {? [a] : b}\n", 2),
    "a control character": ("kind: Deployment\nspec:\n  a: \x07\n", 3),
    "items that are none": ("kind: List\nitems: {a: Deployment}\n", 1),
    "an item that is no object": ("kind: List\nitems: [Deployment]\n", 1),
}


@pytest.mark.parametrize(("broken", "line"), BROKEN.values(), ids=BROKEN)
def test_a_broken_document_is_named_and_the_rest_is_judged(broken: str, line: int) -> None:
    text = f"{GOOD}---\n{broken}---\n{written(deployment('last'))}"
    assert names(text) == ["good", "last"]
    assert [place for place, _ in unreadable(text)] == [f"{GOOD}---\n".count("\n") + line]


@pytest.mark.parametrize("replicas", ["{{ .Values.replicas }}", "{{- if .Values.x }}\n  paused: true\n  {{- end }}"])
def test_a_template_is_told_to_be_rendered(replicas: str) -> None:
    ((_, message),) = unreadable(f"kind: Deployment\nspec:\n  replicas: {replicas}\n")
    assert message == "it looks like a template: render it first, for example with `helm template`"


def test_a_variable_in_the_place_of_a_number_is_judged() -> None:
    assert verdict("unreadable", "-", stdin=written(deployment(replicas="${REPLICAS}"))) == "failed"


@pytest.mark.parametrize(
    "image", ["${IMAGE}", "$(IMAGE)", "$IMAGE", "{{ .Values.image }}", "web:${TAG}", "<IMAGE>", "ko://shop.example/web"]
)
def test_an_image_that_is_still_to_be_filled_in_is_not_judged(image: str) -> None:
    text = written(deployment(pod={"containers": [container(image=image)]}))
    assert verdict("imageTag", "-", stdin=text) == "notApplicable"
    assert verdict("imagePullPolicy", "-", stdin=text) == "notApplicable"


def test_of_two_equal_objects_the_later_is_judged() -> None:
    text = written(deployment(replicas=1), deployment(replicas=2))
    second = text.splitlines().index("---") + 2
    assert verdict("replicas", "-", stdin=text) == "passed"
    message = f"the same object is declared again in stdin:{second}, which is judged instead"
    assert unreadable(text) == [(1, message)]


@pytest.mark.parametrize("version", ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"])
def test_a_removed_version_is_judged_and_named(version: str) -> None:
    (judged,) = report("-", stdin=written({**deployment(), "apiVersion": version}))["workloads"]
    assert judged["verdicts"]["replicas"] == "passed"
    assert [each for each in judged["findings"] if each["expectation"] == "apiVersion"] == [
        {
            "expectation": "apiVersion",
            "path": "apiVersion",
            "message": f"the API version {version} is no longer served since Kubernetes 1.16",
            "remedy": "use apiVersion: apps/v1",
        }
    ]


@pytest.mark.parametrize("version", [None, 1, "${VERSION}", "apps/v9"])
def test_an_unknown_version_is_judged_and_named(version: object) -> None:
    assert verdict("apiVersion", "-", stdin=written({**deployment(), "apiVersion": version})) == "failed"


def deployment_of(template: Raw, **spec: object) -> str:
    return written({**deployment(), "spec": {"replicas": 1, "template": template, **spec}})


PARTS = {
    "a patch of the replicas": written({**deployment(), "spec": {"replicas": 1}}),
    "a patch of a container": deployment_of({"spec": {"containers": [{"name": "web", "tty": True}]}}),
    "a patch that adds a container": deployment_of(
        {"spec": {"containers": [{"name": "web", "tty": True}, {"name": "proxy", "image": "registry.example/proxy:1"}]}}
    ),
    "a patch of a schedule": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web}\nspec: {schedule: '@daily'}\n",
    "a patch of a pod": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostNetwork: true}\n",
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_part_of_a_workload_is_not_judged(part: str) -> None:
    found = report("-", stdin=part)
    assert found["workloads"] == []
    assert [each["line"] for each in found["unreadable"]] == [1]
    assert found["unreadable"][0]["message"] == (
        "it lacks the image of a container, so it is only a part of a workload, such as a patch: judge the whole "
        "workload, for example the output of `kustomize build`"
    )


def test_a_part_does_not_take_the_place_of_the_whole() -> None:
    text = written(deployment(replicas=2)) + "---\n" + PARTS["a patch of the replicas"]
    assert verdict("replicas", "-", stdin=text) == "passed"


@pytest.mark.parametrize("containers", ["none", [1], {"web": {}}])
def test_containers_that_cannot_be_read_make_no_part(containers: object) -> None:
    text = deployment_of({"spec": {"containers": containers}}, selector={"matchLabels": {"app": "web"}})
    assert verdict("unreadable", "-", stdin=text) == "failed"


def test_a_whole_to_which_kustomize_adds_labels_is_judged_but_for_what_selects_its_pods() -> None:
    web = {"name": "web", "image": "registry.example/web:latest"}
    text = deployment_of({"spec": {"containers": [web]}}, replicas=2)
    assert verdict("imageTag", "-", stdin=text) == "failed"
    assert verdict("podDisruptionBudget", "-", stdin=text) == "notApplicable"
    assert verdict("spread", "-", stdin=text) == "notApplicable"


def test_a_deployment_of_another_api_is_none() -> None:
    assert names(written({**deployment(), "apiVersion": "example.com/v1"})) == []


def test_anchors_aliases_and_merge_keys() -> None:
    text = "kind: Deployment\nmetadata: {name: web, labels: &l {app: web}}\nspec: {selector: {matchLabels: {<<: *l}}, "
    text += "template: {spec: {containers: [{image: web}]}}}\n"
    assert names(text) == ["web"]
    assert unreadable(text) == []


def bomb(reference: str) -> str:
    levels = [f"a{level}: &a{level} " + reference.format(", ".join([f"*a{level - 1}"] * 9)) for level in range(1, 12)]
    return "\n".join(["kind: Deployment", "a0: &a0 {x: y}", *levels])


@pytest.mark.parametrize("text", [bomb("[{}]"), bomb("{{<<: [{}]}}"), "kind: Deployment\nspec: &a [*a]\n"])
def test_a_bomb_is_refused(text: str) -> None:
    ((line, message),) = unreadable(text)
    assert (line, message) == (1, "its aliases expand to more than 1000000 values, or contain themselves")


@pytest.mark.parametrize("levels", [500, 100_000])
@pytest.mark.parametrize(
    "text", ["kind: Deployment\nspec: {}", '{{"kind": "Deployment", "spec": {}}}'], ids=["YAML", "JSON"]
)
def test_many_levels_are_refused(text: str, levels: int) -> None:
    assert len(unreadable(text.format("[" * levels + "]" * levels))) == 1


def test_many_levels_without_brackets_are_refused() -> None:
    assert len(unreadable("kind: Deployment\nspec:\n  " + "- " * 100_000)) == 1


def test_another_encoding() -> None:
    assert unreadable(b"# caf\xc3\xa9\nkind: Deployment # caf\xe9\n") == [(2, "it is neither UTF-8 nor UTF-16")]
    assert names(GOOD.encode("utf-16")) == ["good"]
    assert names(GOOD.encode("utf-8-sig")) == ["good"]
    assert names(GOOD.replace("\n", "\r\n")) == ["good"]


@pytest.mark.parametrize("text", ["", "---\n---\n", "a: 1", "- kind: Deployment", "kind: [List]"])
def test_what_says_little(text: str) -> None:
    assert unreadable(text) == []


def test_a_patch_that_deletes_an_object_says_nothing_about_it() -> None:
    text = f"{GOOD}---\n" + written({**deployment("good"), "spec": None, "$patch": "delete"})
    assert (names(text), unreadable(text)) == (["good"], [])


def test_a_patch_does_not_take_the_place_of_what_it_is_for() -> None:
    image = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: good, namespace: shop}\n"
    image += "spec: {replicas: 1, template: {spec: {containers: [{name: web, image: 'web:2'}]}}}\n"
    for text, line, place in ((f"{GOOD}---\n{image}", GOOD.count("\n") + 2, 1), (f"{image}---\n{GOOD}", 1, 6)):
        assert verdict("replicas", "-", stdin=text) == "passed"
        message = f"it is only a part of the object in stdin:{place}, which is judged instead"
        assert unreadable(text) == [(line, message)]


def test_patches_of_neighbours_do_not_count() -> None:
    scaled = written(deployment(), autoscaler(1, 4))
    deleted = written({**budget(), "$patch": "delete"})
    lower = written({**autoscaler(1, 4), "spec": {"minReplicas": 9}})
    assert verdict("podDisruptionBudget", "-", stdin=f"{written(deployment())}---\n{deleted}") == "failed"
    assert verdict("replicas", "-", stdin=f"{scaled}---\n{lower}") == "failed"


PASSED_OVER = {
    "a kustomization": "kind: Kustomization\npatches:\n- patch: |-\n    kind: Deployment\n    spec: {replicas: 1}\n",
    "a component": "kind: Component\nresources: [deployment.yaml]\n",
    "JSON patches": "- op: replace\n  path: /kind\n  value: {kind: Deployment}\n",
    "JSON patches as JSON": '[{"op": "add", "path": "/spec", "value": {"kind": "Deployment"}}]',
    "values of a chart": "kind: Deployment\nreplicaCount: 1\nimage: {tag: latest}\n",
    "values without a kind": "web: {kind: Deployment, replicas: 1}\n",
}


@pytest.mark.parametrize("text", PASSED_OVER.values(), ids=PASSED_OVER)
def test_what_is_no_manifest_is_passed_over(text: str) -> None:
    assert (names(text), unreadable(text)) == ([], [])


def test_what_nothing_needs_is_not_parsed() -> None:
    assert unreadable("kind: ConfigMap\ndata: [") == []
    assert unreadable("replicas: {{ .Values.replicas }}") == []


def test_links_that_lead_in_circles_and_nowhere(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "none.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "round.yaml").symlink_to(tmp_path / "round.yaml")
    found = report(tmp_path)
    assert [each["name"] for each in found["workloads"]] == ["good"]
    assert [Path(each["file"]).name for each in found["unreadable"]] == ["none.yaml", "round.yaml"]


def test_dates_and_numbers_with_colons_are_strings_as_in_kubernetes() -> None:
    labels = "{release: 2020-01-01, at: 12:30:45, when: 2020-13-99}"
    text = f"kind: Pod\nmetadata: {{name: web, annotations: {labels}}}\nspec: {{containers: [{{image: web}}]}}\n"
    assert unreadable(text) == []
    (judged,) = report("-", stdin=text)["workloads"]
    assert "unreadable" not in judged["verdicts"]


def test_control_characters_reach_no_terminal() -> None:
    text = json.dumps(deployment("a\x1b[31m\ud800"))
    for form in ("text", "github", "junit", "sarif", "json"):
        assert "\x1b" not in check("-", "-o", form, stdin=text).out
    assert names(text) == ["a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}"]


@given(workloads().flatmap(mangled), st.sampled_from(["text", "json", "sarif", "junit", "github"]))
def test_there_is_always_a_verdict(raw: Raw, form: str) -> None:
    done = check("-", "-o", form, stdin=json.dumps(raw))
    assert done.code in {0, 1, 2}
    assert done.out


@given(workloads().flatmap(mangled))
def test_yaml_and_json_are_judged_alike(raw: Raw) -> None:
    def verdicts(text: str) -> Any:
        return [each["verdicts"] for each in report("-", stdin=text)["workloads"]]

    plain = json.loads(json.dumps(raw))
    assert verdicts(yaml.safe_dump(plain, allow_unicode=False)) == verdicts(json.dumps(plain))


@given(st.text(alphabet="kind:Deployment \n-&*{}[]\"'!|>?#%", max_size=80))
def test_any_text_is_survived(text: str) -> None:
    assert check("-", "-o", "json", stdin=f"kind: Deployment\n{text}").code in {0, 1, 2}


def test_a_device_is_no_file() -> None:
    done = check("/dev/zero")
    assert (done.code, "/dev/zero" in done.out + done.err, "it is a device, not a file" in done.out + done.err) == (
        2,
        True,
        True,
    )
