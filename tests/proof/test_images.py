"""An image archive holds what containerd asks of it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from proof.images import write_archive

AMD64_HEADER = b"\x7fELF" + bytes(14) + b"\x3e\x00"


def test_an_archive_has_the_program_in_a_layer_that_the_configuration_names_by_its_hash(tmp_path: Path) -> None:
    program = tmp_path / "web"
    program.write_bytes(AMD64_HEADER + b"code")
    write_archive(tmp_path / "web.tar", program=program, tag="registry.example/web:1.0")

    with tarfile.open(tmp_path / "web.tar") as archive:
        files = {each.name: extracted.read() for each in archive if (extracted := archive.extractfile(each))}
    [manifest] = json.loads(files["manifest.json"])
    config, layer = json.loads(files[manifest["Config"]]), files[manifest["Layers"][0]]
    assert manifest["RepoTags"] == ["registry.example/web:1.0"]
    assert (config["architecture"], config["config"]["Entrypoint"]) == ("amd64", ["/web"])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]

    with tarfile.open(fileobj=io.BytesIO(layer)) as contents:
        [entry] = contents.getmembers()
        assert (entry.name, entry.mode) == ("web", 0o755)
