"""What runs in production was built before, elsewhere.

## What it expects
No image, of init containers too, is one of `images`: compilers, build tools, development kits, Docker in Docker. An
image of `allowed` is none of them. No container runs one of `commands`, which compile or install something, whether
directly or in a script of a shell, and no shell runs what it has just downloaded (`curl ... | sh`). What a script does
beyond the obvious is not known, and passes.

## Why it matters
A pod that installs or compiles when it starts needs the network and the registries of packages to start at all, and
runs something else each time. A toolchain makes the image large and slow to pull, and serves whoever breaks in.

## Repair and its risk
None. An image has to be built in stages, of which only the last is shipped; that is the work of its owner.

## Example
```yaml
toolchainImage: {action: Audit, images: [golang, "*-sdk"], allowed: ["*cloud-sdk"], commands: [apt-get install, make]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, always
from productionpolicy.kube.images import ImagePattern
from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.start import command_run, download_run
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

_IMAGES = (
    *("golang", "go-toolset", "gcc", "gcc-toolset*", "rust", "rustlang/rust", "haskell", "buildpack-deps"),
    *("maven", "gradle", "scala-sbt", "bazel", "emsdk", "dotnet/sdk", "dotnet/core/sdk", "*-sdk", "cimg/*"),
    *("dind", "*-dind", "dind-*", "*-dind-*", "*:*dind*"),
)
_NO_TOOLCHAINS = (
    *("*cloud-sdk", "*aws-sdk", "*azure-sdk", "*gcp-sdk", "*gcloud-sdk", "*google-sdk", "*oci-sdk", "*aliyun-sdk"),
    *("*alibaba-sdk", "*ibm-sdk", "*firebase-sdk", "*stripe-sdk", "agones-sdk"),
)
_INSTALLERS = (
    *("apt-get install", "apt install", "apk add", "yum install", "dnf install", "microdnf install", "zypper install"),
    *("pip install", "pip3 install", "python* -m pip install", "uv pip install", "uv sync", "poetry install"),
    *("pipenv install", "conda install", "npm install", "npm i", "npm ci", "yarn install", "yarn add", "pnpm install"),
    *("pnpm i", "pnpm add", "bundle install", "gem install", "composer install", "cargo install", "go install"),
    *("luarocks install", "luarocks make", "pecl install", "cpan", "cpanm", "opam install", "mix deps.get"),
    *("bun install", "bun add", "npx", "bunx", "pnpm dlx", "yarn dlx", "uvx", "pipx install", "pipx run"),
)
_COMPILERS = (
    *("go run", "go build", "go test", "cargo run", "cargo build", "cargo test", "mvn", "mvnw", "gradle", "gradlew"),
    *("make", "cmake", "gcc", "g++", "javac", "rustc", "tsc", "dotnet run", "dotnet build", "dotnet watch"),
    *("dotnet publish", "dotnet restore", "npm run dev", "npm run build", "yarn dev", "yarn build", "yarn run dev"),
    *("yarn run build", "pnpm dev", "pnpm build", "pnpm run dev", "pnpm run build", "ng serve", "ng build", "nodemon"),
    "webpack*",
)


class ToolchainImageParameters(AuditedParameters, frozen=True, kw_only=True):
    """Nothing is compiled or installed where it runs."""

    images: Annotated[
        tuple[ImagePattern, ...],
        Meta(max_length=128, description="Images of toolchains: globs of the end of a name, or of name and tag."),
    ] = _IMAGES
    allowed: Annotated[
        tuple[ImagePattern, ...],
        Meta(max_length=128, description="Images that are no toolchains, though one of the globs matches them."),
    ] = _NO_TOOLCHAINS
    commands: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\S")], ...],
        Meta(max_length=256, description="Commands that compile or install; options may stand between their words."),
    ] = (*_INSTALLERS, *_COMPILERS)


def audit(workload: Workload, parameters: ToolchainImageParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers in which something is built."""
    for container in workload.template.containers:
        if _is_toolchain(container, parameters):
            yield Finding(
                path=f"{container.path}.image",
                message=f"the image of container {container.name} is a toolchain, which what runs here does not need",
                remedy="copy what was built into a small image, in the last stage of a build",
            )
        yield from _built(container, parameters)
        yield from _downloaded(container)


def _is_toolchain(container: Container, parameters: ToolchainImageParameters) -> bool:
    return container.has_image_of(parameters.images) and not container.has_image_of(parameters.allowed)


def _built(container: Container, parameters: ToolchainImageParameters) -> Iterator[Finding]:
    run = command_run(container, parameters.commands)
    if run:
        command, path = run
        yield Finding(
            path=path,
            message=f"container {container.name} runs `{command}` when it starts, so each start may differ",
            remedy="run this command when the image is built",
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
    parameters=ToolchainImageParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
)
