"""Evaluation without a cluster: from the text of manifests to verdicts and plans, with files and lines."""

from productionpolicy.offline.clusters import Cluster, documents_of
from productionpolicy.offline.documents import Document, Unread, Wanted, read_documents
from productionpolicy.offline.gathering import FILES, Gathered, Given, NotJudged, Place, Source
from productionpolicy.offline.governing import ByCluster, ByOnePolicy, Governing
from productionpolicy.offline.judgement import NOTICES, Judged, Judgement, Located, judge
from productionpolicy.offline.kustomizations import KUSTOMIZATIONS, Kustomization, read_kustomization
from productionpolicy.offline.proposal import Proposal, Proposed, ProposedObject, propose

__all__ = [
    "FILES",
    "KUSTOMIZATIONS",
    "NOTICES",
    "ByCluster",
    "ByOnePolicy",
    "Cluster",
    "Document",
    "Gathered",
    "Given",
    "Governing",
    "Judged",
    "Judgement",
    "Kustomization",
    "Located",
    "NotJudged",
    "Place",
    "Proposal",
    "Proposed",
    "ProposedObject",
    "Source",
    "Unread",
    "Wanted",
    "documents_of",
    "judge",
    "propose",
    "read_documents",
    "read_kustomization",
]
