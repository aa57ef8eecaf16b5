"""Findings that do not belong to an expectation."""

from __future__ import annotations

from productionpolicy.verdict.audit import EXEMPTIONS, ROLLOUT, UNREADABLE
from productionpolicy.verdict.report import REFUSED

API_VERSION = "apiVersion"
"""Is in the place of an expectation where a manifest has an API version that no server has. In a cluster, none does."""

TITLES = {
    UNREADABLE: "Documents and fields that could not be read, and so were not judged",
    EXEMPTIONS: "Exemptions that have no effect",
    ROLLOUT: "Rollouts that do not complete",
    API_VERSION: "API versions that Kubernetes does not serve",
    REFUSED: "Writes that the API server refused",
}
"""Their titles, by the name that is in the place of an expectation."""
