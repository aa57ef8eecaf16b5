"""A page for people who read no terminal: one file of HTML that loads nothing and runs nothing."""

from productionpolicy.cli.formats.html.report import PageReport, page, write

__all__ = ["PageReport", "page", "write"]
