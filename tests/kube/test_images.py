"""Names of images."""

from __future__ import annotations

import pytest

from productionpolicy.kube.images import Image, is_written, lacks_shell

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("web", Image("web")),
        ("web:1.0", Image("web", tag="1.0")),
        ("web:", Image("web")),
        ("team/web:1.0", Image("team/web", tag="1.0")),
        ("registry:5000/web", Image("registry:5000/web")),
        ("registry:5000/team/web:1.0", Image("registry:5000/team/web", tag="1.0")),
        (f"web@{DIGEST}", Image("web", digest=DIGEST)),
        (f"registry:5000/web:1.0@{DIGEST}", Image("registry:5000/web", tag="1.0", digest=DIGEST)),
        ("", Image("")),
    ],
)
def test_a_reference_is_split_into_name_tag_and_digest(reference: str, image: Image) -> None:
    assert Image.parse(reference) == image


@pytest.mark.parametrize(
    ("reference", "pattern", "matches"),
    [
        ("redis:7", "redis", True),
        ("registry.example:5000/cache/redis:7", "redis", True),
        ("registry.example:5000/cache/redis:7", "cache/redis", True),
        ("registry.example:5000/cache/redis:7", "registry.example:5000/cache/redis", True),
        ("registry.example/cache/redis", "registry.example/cache/*", True),
        ("registry.example/cache/redis", "cache", False),
        ("redis-exporter", "redis", False),
        ("redis-exporter", "redis*", True),
        ("docker:27-dind", "docker:*dind*", True),
        ("registry.example/docker:27-dind", "docker:*dind*", True),
        ("docker:27", "docker:*dind*", False),
        ("docker", "docker:*dind*", False),
        ("web:1.0-sdk", "*-sdk", False),
        ("", "redis", False),
        ("mcr.example/dotnet/core/sdk:3.1", "dotnet/core/sdk", True),
        ("sclorg/postgresql-16-c9s:1", "postgresql", True),
        ("centos7/mysql-80-centos7", "mysql", True),
        ("mariadb10.6", "mariadb", True),
        ("postgres-exporter-1", "postgres", False),
    ],
)
def test_a_pattern_is_of_the_end_of_a_name(reference: str, pattern: str, matches: bool) -> None:
    assert Image.parse(reference).is_one_of(("other", pattern)) is matches


@pytest.mark.parametrize(
    ("reference", "full_name", "registry"),
    [
        ("web:1.0", "docker.io/library/web", "docker.io"),
        ("team/web", "docker.io/team/web", "docker.io"),
        ("registry.example/web", "registry.example/web", "registry.example"),
        ("registry:5000/team/web:1.0", "registry:5000/team/web", "registry:5000"),
        ("localhost/web", "localhost/web", "localhost"),
    ],
)
def test_a_name_without_registry_is_completed(reference: str, full_name: str, registry: str) -> None:
    image = Image.parse(reference)
    assert (image.full_name, image.registry) == (full_name, registry)


@pytest.mark.parametrize(
    ("reference", "place", "matches"),
    [
        ("registry.example/web:1.0", "registry.example", True),
        ("registry.example/web:1.0", "registry.example/*", True),
        ("registry.example/web:1.0", "*.example", True),
        ("registry.example/web:1.0", "registry.example/shop/*", False),
        ("web", "docker.io", True),
        ("shop/web", "docker.io/shop/*", True),
        ("shop/web", "shop/*", True),
        ("shop/web", "library/*", False),
        ("web", "*", True),
        ("$REGISTRY/web:1.0", "*", False),
    ],
)
def test_an_image_comes_from_a_registry_or_a_part_of_it(reference: str, place: str, matches: bool) -> None:
    assert Image.parse(reference).comes_from((place,)) is matches


@pytest.mark.parametrize(
    ("image", "lacks"),
    [
        ("gcr.io/distroless/static", True),
        ("gcr.io/distroless/java21-debian12:nonroot", True),
        ("registry.example/web:1.0-distroless", True),
        ("envoyproxy/envoy:distroless-v1.34@sha256:0", True),
        ("cgr.dev/chainguard/nginx:latest", True),
        ("registry.example/chainguard/python", True),
        ("scratch", True),
        ("registry.example/web:scratch", True),
        ("gcr.io/distroless/base:debug-nonroot", False),
        ("cgr.dev/chainguard/python:latest-dev", False),
        ("cgr.dev/chainguard/busybox", False),
        ("registry.example/scratch-editor:1.0", False),
        ("registry.example/web:1.0", False),
    ],
)
def test_the_name_of_an_image_may_tell_that_it_has_no_shell(image: str, lacks: bool) -> None:
    assert lacks_shell(image) is lacks


@pytest.mark.parametrize(
    "reference",
    [
        *("web", "web:", "web:1.0", "registry.example:5000/team/web", "Registry.example/web", "localhost/web"),
        *(f"web@{DIGEST}", "$REGISTRY/web:1.0", "<IMAGE>:latest", " web:1.0 ", f"$REGISTRY/web@{DIGEST}"),
    ],
)
def test_a_reference_is_written_if_no_other_program_has_to_say_which_image_is_meant(reference: str) -> None:
    assert is_written(reference)


@pytest.mark.parametrize(
    "reference",
    [
        *(
            "",
            " ",
            "auto",
            "IMAGE",
            "IMAGE_PLACEHOLDER",
            "<IMAGE>",
            "[[ .Image ]]",
            "@@IMAGE@@",
            "#{image}#",
            "%IMAGE%",
        ),
        *("ko://shop.example/cmd/web", "//web:image.tar/", "${IMAGE:-web:1.0}", "{{ .name }}:{{ .tag }}", "web:$TAG"),
        *("web:__TAG__", "web@${DIGEST}", "replace-me", "image-placeholder", "bazel//web"),
        *("change-me", "shop/changeme", "to-be-replaced", "your-registry/web", "docker.io/your_name/web"),
    ],
)
def test_a_placeholder_is_no_reference_that_is_written(reference: str) -> None:
    assert not is_written(reference)
