"""A cluster as it is now, read by somebody who has a kubeconfig and may not be allowed to see everything."""

from productionpolicy.live.connection import Access
from productionpolicy.live.snapshot import NoSnapshot, Snapshot, load, save
from productionpolicy.live.taking import Request, take

__all__ = ["Access", "NoSnapshot", "Request", "Snapshot", "load", "save", "take"]
