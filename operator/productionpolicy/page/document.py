"""The document around the content of a page."""

from __future__ import annotations

from productionpolicy.page.markup import Node, escaped, rendered
from productionpolicy.page.style import STYLE

SECURITY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of every page: a browser runs nothing in it and loads nothing for it."""


def document(title: str, *content: Node, rules: str = "") -> str:
    """Return a page as one HTML file that needs no other.

    Args:
        title: its title in a browser.
        content: what is in its body.
        rules: style rules of this page alone. They are not escaped, so they must not contain text from outside.
    """
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{SECURITY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{STYLE}{rules}</style>\n</head>\n<body>\n"
    )
    return head + rendered(*content) + "\n</body>\n</html>\n"
