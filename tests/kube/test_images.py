"""Names of images."""

from __future__ import annotations

import pytest

from productionpolicy.kube.images import Image

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
