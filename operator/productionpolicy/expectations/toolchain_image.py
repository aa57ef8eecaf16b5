"""Images for production contain what was built elsewhere, not the tools that build it.

## What it expects
No image, including those of init containers, is a toolchain: a compiler, a build tool, a development kit, Docker in
Docker. Allowed images do not count as toolchains: `*-sdk` is one, but not the client of a cloud or of a service, such
as `google-cloud-sdk` (`allowed`). No container runs a command that compiles or installs something, whether directly or
in a shell script, and no shell runs what it has just downloaded (`curl ... | sh`). What a script does beyond the
obvious is not known, and passes.

## Why it matters
A pod that installs or compiles when it starts needs the network and the package registries to start, and may run
something else each time. A toolchain makes the image large and slow to pull, and is useful to an attacker.

## Repair and its risk
None. The image must be built in stages, of which only the last is shipped; this is the work of its owner.

## Example
```yaml
toolchainImage:
  action: Audit
  additionalImages: ["*-builder"]
  additionalAllowed: [shop-sdk]
  additionalCommands: [terraform apply]
  disabledCommands: [make]
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
    always,
)
from productionpolicy.kube.images import ImagePattern
from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.commands import written
from productionpolicy.kube.programs.start import command_run, download_run
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

_IMAGES = (
    *("golang", "go-toolset", "gcc", "gcc-toolset*", "rust", "rustlang/rust", "haskell", "buildpack-deps"),
    *("maven", "gradle", "scala-sbt", "bazel", "emsdk", "dotnet/sdk", "dotnet/core/sdk", "*-sdk", "cimg/*"),
    *("dind", "*-dind", "dind-*", "*-dind-*", "*:*dind*"),
)
_DOCKER = tuple(each for each in _IMAGES if "dind" in each)
_NO_TOOLCHAINS = (
    *("*cloud-sdk", "*aws-sdk", "*azure-sdk", "*gcp-sdk", "*gcloud-sdk", "*google-sdk", "*oci-sdk", "*aliyun-sdk"),
    *("*alibaba-sdk", "*ibm-sdk", "*firebase-sdk", "*stripe-sdk", "agones-sdk"),
)
_INSTALLERS = (
    *("apt-get install", "apt install", "apk add", "yum install", "dnf install", "microdnf install", "tdnf install"),
    "zypper install",
    *("pip install", "pip3 install", "python* -m pip install", "uv pip install", "uv sync", "poetry install"),
    *("pipenv install", "conda install", "npm install", "npm i", "npm ci", "yarn install", "yarn add", "pnpm install"),
    *("pnpm i", "pnpm add", "bundle install", "gem install", "composer install", "cargo install", "go install"),
    *("luarocks install", "luarocks make", "pecl install", "cpan", "cpanm", "opam install", "mix deps.get"),
    *("bun install", "bun add", "pipx install", "go mod download"),
)
_RUNNERS = ("npx", "bunx", "pnpm dlx", "yarn dlx", "uvx", "pipx run")
_LOCAL = frozenset({"--no-install", "--no"})
"""Options with which npx runs only what is installed."""

_COMPILERS = (
    *("go run", "go build", "go test", "cargo run", "cargo build", "cargo test", "mvn", "mvnw", "gradle", "gradlew"),
    *("make", "cmake", "gcc", "g++", "javac", "rustc", "tsc", "dotnet run", "dotnet build", "dotnet watch"),
    *("dotnet publish", "dotnet restore", "npm run dev", "npm run build", "yarn dev", "yarn build", "yarn run dev"),
    *("yarn run build", "pnpm dev", "pnpm build", "pnpm run dev", "pnpm run build", "ng serve", "ng build", "nodemon"),
    *("npm run dev:*", "npm run *:dev", "yarn dev:*", "yarn *:dev", "yarn run *:dev", "pnpm *:dev", "pnpm run *:dev"),
    *("yarn workspace * dev", "yarn workspace * build", "webpack*"),
)
_REMEDIES = {
    **dict.fromkeys(_RUNNERS, "install this program when the image is built, and start it directly"),
    **dict.fromkeys(_COMPILERS, "compile when the image is built, and start the result"),
}


class ToolchainImageParameters(AuditedParameters, frozen=True, kw_only=True):
    """Nothing is compiled or installed at runtime."""

    built_in: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "images": _IMAGES,
        "allowed": _NO_TOOLCHAINS,
        "commands": (*_INSTALLERS, *_RUNNERS, *_COMPILERS),
    }

    additional_images: Annotated[
        tuple[ImagePattern, ...],
        Meta(
            max_length=128,
            description="Images of toolchains in addition to the built-in ones: globs that match the end of a name, or "
            "name and tag.",
        ),
    ] = ()
    disabled_images: Annotated[
        tuple[str, ...], Meta(max_length=128, description="Built-in images of toolchains that do not count.")
    ] = ()
    additional_allowed: Annotated[
        tuple[ImagePattern, ...],
        Meta(
            max_length=128,
            description="Images that do not count as toolchains although one of the globs matches them, in addition to "
            "the built-in ones.",
        ),
    ] = ()
    disabled_allowed: Annotated[
        tuple[str, ...], Meta(max_length=128, description="Built-in allowed images that count as toolchains.")
    ] = ()
    additional_commands: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\S")], ...],
        Meta(
            max_length=256,
            description="Commands that compile or install, in addition to the built-in ones; options may occur between "
            "their words.",
        ),
    ] = ()
    disabled_commands: Annotated[
        tuple[str, ...], Meta(max_length=256, description="Built-in commands that containers may run.")
    ] = ()


def audit(workload: Workload, parameters: ToolchainImageParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers that build something, or could."""
    for container in workload.template.containers:
        if _is_toolchain(container, parameters):
            yield Finding(
                path=f"{container.path}.image",
                message=f"the image of container {container.name} is a toolchain, which is not needed at runtime",
                remedy="build images outside of the pod, such as in a build service"
                if container.has_image_of(_DOCKER)
                else "copy what was built into a small image, in the last stage of a build",
            )
        yield from _built(container, parameters)
        yield from _downloaded(container)


def _is_toolchain(container: Container, parameters: ToolchainImageParameters) -> bool:
    return container.has_image_of(parameters.listed("images")) and not container.has_image_of(
        parameters.listed("allowed")
    )


def _built(container: Container, parameters: ToolchainImageParameters) -> Iterator[Finding]:
    run = command_run(container, parameters.listed("commands"), without=_LOCAL)
    if run:
        command, path, words = run
        shown = command if command in parameters.additional_commands else written(command, words)
        yield Finding(
            path=path,
            message=f"container {container.name} runs `{shown}` when it starts, so each start may differ",
            remedy=_REMEDIES.get(command, "run this command when the image is built"),
        )


def _downloaded(container: Container) -> Iterator[Finding]:
    path = download_run(container)
    if path is not None:
        yield Finding(
            path=path,
            message=f"container {container.name} runs a script that it downloads when it starts, so each start may "
            "differ",
            remedy="run this script when the image is built",
        )


TOOLCHAIN_IMAGE = Expectation(
    name="toolchainImage",
    title="Images without the tools that build them",
    severity=Severity.LOW,
    category=Category.IMAGES,
    parameters=ToolchainImageParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    heuristic=True,
)
