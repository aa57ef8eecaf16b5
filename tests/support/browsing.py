"""What a browser makes of a page."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from browser import Page

DOCUMENT = {"html", "head", "meta", "title", "style", "body"}
"""The elements of every page beside those of its content."""


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong, with everything opened that can be."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    package = find_spec("axe_playwright_python")
    assert package is not None
    assert package.origin is not None
    page.evaluate(Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {preload: false}).then(each => each.violations)")
    return [f"{each['impact']}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
