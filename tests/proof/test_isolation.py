"""Where our control groups are made, with either version of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof import isolation
from proof.isolation import Hierarchy, hierarchies

FIRST = r"""
25 30 0:23 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
26 25 0:24 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
27 25 0:25 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd
28 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
29 25 0:27 / /sys/fs/cgroup/a\040memory rw,nosuid - cgroup cgroup rw,memory
"""
FIRST_GROUPS = "4:memory:/user/1\n3:cpu,cpuacct:/\n1:name=systemd:/user.slice\n0::/user.slice\n"
SECOND = "26 25 0:24 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
SECOND_GROUPS = "0::/user.slice/session.scope\n"


def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, mounts: str, groups: str) -> list[Hierarchy]:
    for name, text in (("MOUNTS", mounts), ("OWN_GROUPS", groups)):
        (tmp_path / name).write_text(text.lstrip())
        monkeypatch.setattr(isolation, name, tmp_path / name)
    return hierarchies()


def test_with_version_1_it_is_below_our_own_group_in_every_hierarchy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = given(tmp_path, monkeypatch, mounts=FIRST, groups=FIRST_GROUPS)
    assert [(each.controllers, each.parent) for each in found] == [
        ("name=systemd", Path("/sys/fs/cgroup/systemd/user.slice")),
        ("cpu,cpuacct", Path("/sys/fs/cgroup/cpu,cpuacct")),
        ("memory", Path("/sys/fs/cgroup/a memory/user/1")),
    ]


def test_with_version_2_it_is_below_the_topmost_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = given(tmp_path, monkeypatch, mounts=SECOND, groups=SECOND_GROUPS)
    assert (found.controllers, found.parent) == ("", Path("/sys/fs/cgroup"))


def test_a_new_group_of_version_1_gets_processors_and_memory_of_the_one_above(tmp_path: Path) -> None:
    (tmp_path / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset.mems").write_text("0\n")
    isolation.make_group(tmp_path / "ours")
    assert [(tmp_path / "ours" / name).read_text() for name in ("cpuset.cpus", "cpuset.mems")] == ["0-1\n", "0\n"]
