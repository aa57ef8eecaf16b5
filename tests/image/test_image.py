"""What builds the image, from which base, and what the image contains."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from image import __main__ as command
from image import base, builders
from image.builders import Builder, NotBuilt, Recipe, working
from image.contents import MEGABYTE, Contents, read
from image.locked import requirement
from proof import images

ROOT = Path(__file__).parents[2]
RECIPE = Recipe(context=ROOT, base="base", arguments={}, labels={}, certificates=None, seconds=7)


def program(folder: Path, name: str, script: str) -> None:
    """Put a program on the path that records how it is called."""
    file = folder / name
    file.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/{name}.calls"\n{script}\n')
    file.chmod(0o755)


def calls(folder: Path, name: str) -> list[str]:
    return (folder / f"{name}.calls").read_text().splitlines()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder of the path, with no builder in it yet."""
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_docker_client_without_a_daemon_is_passed_over(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(path, "docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    program(path, "buildah", "exit 0")

    assert working().name == "buildah"
    assert "docker cannot build here: Cannot connect to the Docker daemon" in capsys.readouterr().err


def test_buildah_gets_a_storage_that_works_everywhere_if_its_own_does_not(path: Path) -> None:
    program(path, "buildah", '[ "$STORAGE_DRIVER" = vfs ] || exit 1')

    assert working().environment == {"STORAGE_DRIVER": "vfs"}


def test_without_a_builder_the_error_says_what_to_install(path: Path) -> None:
    assert list(path.iterdir()) == [path / "sh"]
    with pytest.raises(NotBuilt, match="Install docker, podman or buildah"):
        working()


@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_certificates_are_given_to_the_build_as_a_secret(path: Path, name: str) -> None:
    program(path, name, "exit 0")
    recipe = Recipe(
        context=ROOT, base="base", arguments={}, labels={}, certificates=Path("/etc/authorities.pem"), seconds=7
    )
    working(name).build(recipe, tag="operator:1")

    [call] = [each for each in calls(path, name) if each.startswith("build ")]
    assert "--secret=id=certificates,src=/etc/authorities.pem" in call
    assert "--build-arg=BASE=base --build-arg=SOURCE_DATE_EPOCH=7" in call


def test_a_build_that_fails_shows_what_the_builder_said(path: Path) -> None:
    program(path, "podman", '[ "$1" = info ] || { echo no space left >&2; exit 1; }')

    with pytest.raises(NotBuilt, match=r"podman said:\nno space left"):
        working().build(RECIPE, tag="operator:1")


def test_without_a_registry_and_debootstrap_the_error_names_both_ways(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(path / "cache"))
    program(path, "buildah", '[ "$1" = info ] || { echo no such host >&2; exit 1; }')

    assert command.main(["--archive", str(path / "image.tar")]) == 1
    said = capsys.readouterr().err
    assert re.search(r"the base \S+ cannot be pulled: no such host", said)
    assert "Install the package debootstrap. Or name a base that this machine has: make image BASE=<image>" in said


def test_a_base_that_was_asked_for_is_not_replaced(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(path, "buildah", '[ "$1" = info ] || { echo no such host >&2; exit 1; }')

    assert command.main(["--base", "images.example/python:3.13"]) == 1
    assert "the base images.example/python:3.13 cannot be pulled: no such host" in capsys.readouterr().err


def test_the_default_base_is_pinned_by_digest() -> None:
    assert re.fullmatch(r"docker\.io/library/python:3\.13-slim@sha256:[0-9a-f]{64}", command.pinned())


def test_uv_is_the_locked_one_with_all_its_checksums() -> None:
    lock = (ROOT / "uv.lock").read_text()
    [uv] = [each for each in tomllib.loads(lock)["package"] if each["name"] == "uv"]

    name, *hashes = requirement(lock).split(" ")
    assert name == f"uv=={uv['version']}"
    assert hashes == [f"--hash={each['hash']}" for each in uv["wheels"]]


def test_an_archive_tells_size_and_files_of_its_image(tmp_path: Path) -> None:
    images.write_archive(tmp_path / "image.tar", program=Path("/bin/true"), tag="true:1")
    found = read(tmp_path / "image.tar")

    assert found.files == {"true"}
    assert found.configuration["config"] == {"Entrypoint": ["/true"]}
    assert 0 < found.packed_bytes < found.unpacked_bytes


def builder() -> Builder | None:
    """Return what builds images here, and can have a base."""
    try:
        return working() if not base.missing() else None
    except NotBuilt:
        return None


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the image, if this machine can."""
    if builder() is None:
        pytest.skip(base.missing() or f"none of {', '.join(each.name for each in builders.BUILDERS)} works here")
    archive = tmp_path_factory.mktemp("image") / "image.tar"
    command.build("productionpolicy:test", archive=archive)
    return archive


@pytest.fixture(scope="module")
def contents(built: Path) -> Contents:
    return read(built)


@pytest.mark.exhaustive
def test_the_image_holds_the_operator_and_nothing_that_builds_or_installs(contents: Contents) -> None:
    programs = {each.rpartition("/")[2] for each in contents.files if "/bin/" in each}

    assert programs == {"productionpolicy", "python", "python3", "python3.13"}
    assert [each for each in contents.files if re.search(r"/(pip|uv|uv_build|ensurepip|setuptools)/", each)] == []
    assert contents.unpacked_bytes < 120 * MEGABYTE


@pytest.mark.exhaustive
def test_the_image_says_what_it_is_and_does_not_run_as_root(contents: Contents) -> None:
    assert contents.configuration["config"]["User"] == "65532:65532"
    assert {each.removeprefix("org.opencontainers.image.") for each in contents.labels} >= {
        *("base.name", "created", "description", "licenses", "revision", "title", "version"),
    }


@pytest.mark.exhaustive
def test_the_same_source_gives_the_same_image(contents: Contents, tmp_path: Path) -> None:
    command.build("productionpolicy:test", archive=tmp_path / "again.tar", cached=False)

    assert read(tmp_path / "again.tar").identity == contents.identity


@pytest.mark.exhaustive
def test_the_authorities_of_the_build_are_not_in_the_image(contents: Contents) -> None:
    bundles = {each for each in contents.files if each.endswith((".crt", ".pem"))}

    assert {each for each in bundles if "certifi/" not in each} == {"etc/ssl/certs/ca-certificates.crt"}
    assert "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" in contents.configuration["config"]["Env"]
    assert not any(each.startswith("run/") for each in contents.files)
