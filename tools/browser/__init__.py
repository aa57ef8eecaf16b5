"""A headless Chromium of the distribution, and a page in it: what tests and pictures look at."""

from browser.page import Page, opened

__all__ = ["Page", "opened"]
