"""An image archive holds what containerd asks of it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from proof.images import renamed, write_archive

AMD64_HEADER = b"\x7fELF" + bytes(14) + b"\x3e\x00"


def test_an_archive_has_the_program_in_a_layer_that_the_configuration_names_by_its_hash(tmp_path: Path) -> None:
    program = tmp_path / "web"
    program.write_bytes(AMD64_HEADER + b"code")
    write_archive(tmp_path / "web.tar", program=program, tag="registry.example/web:1.0")

    files = contents_of(tmp_path / "web.tar")
    [manifest] = json.loads(files["manifest.json"])
    config, layer = json.loads(files[manifest["Config"]]), files[manifest["Layers"][0]]
    assert manifest["RepoTags"] == ["registry.example/web:1.0"]
    assert (config["architecture"], config["config"]["Entrypoint"]) == ("amd64", ["/web"])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]

    with tarfile.open(fileobj=io.BytesIO(layer)) as contents:
        [entry] = contents.getmembers()
        assert (entry.name, entry.mode) == ("web", 0o755)


def test_a_copy_differs_in_its_name_alone(tmp_path: Path) -> None:
    program = tmp_path / "web"
    program.write_bytes(AMD64_HEADER + b"code")
    write_archive(tmp_path / "web.tar", program=program, tag="registry.example/web:1.0")
    renamed(tmp_path / "web.tar", into=tmp_path / "copy.tar", tag="registry.example/web:next")

    first, second = (contents_of(tmp_path / name) for name in ("web.tar", "copy.tar"))
    [manifest] = json.loads(first.pop("manifest.json"))
    assert json.loads(second.pop("manifest.json")) == [{**manifest, "RepoTags": ["registry.example/web:next"]}]
    assert second == first


def contents_of(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {each.name: extracted.read() for each in opened if (extracted := opened.extractfile(each))}
