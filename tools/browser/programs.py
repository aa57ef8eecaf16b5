"""Chromium, as the machine or its distribution has it."""

from __future__ import annotations

import shutil
from pathlib import Path

from proof.packages import installed_or_unpacked

PACKAGE = "chromium-headless-shell"
_INSTALLED = (PACKAGE, "chromium", "chromium-browser", "google-chrome")
_BESIDE = ("chromium-common", "fonts-dejavu-core")
"""Packages with its data, and with the fonts that a machine without a screen may lack."""


def ensure() -> Path:
    """Return Chromium: one that is installed, or one that is unpacked into the cache.

    Raises:
        NotAvailable: there is neither one, nor a way to get it.
    """
    installed = next(filter(None, map(shutil.which, _INSTALLED)), None)
    if installed:
        return Path(installed)
    return installed_or_unpacked(PACKAGE, package=PACKAGE, beside=_BESIDE, inside=f"lib/chromium/{PACKAGE}")
