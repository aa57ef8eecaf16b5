"""Evaluation without a cluster: from the text of manifests to verdicts and plans, with files and lines."""

from productionpolicy.offline.documents import Document, Unread, Wanted, read_documents
from productionpolicy.offline.gathering import Gathered, Given, NotJudged, Place
from productionpolicy.offline.judgement import NOTICES, Judged, Judgement, Located, judge
from productionpolicy.offline.kustomizations import KUSTOMIZATIONS, Kustomization, read_kustomization
from productionpolicy.offline.proposal import Proposal, Proposed, ProposedObject, propose

__all__ = [
    "KUSTOMIZATIONS",
    "NOTICES",
    "Document",
    "Gathered",
    "Given",
    "Judged",
    "Judgement",
    "Kustomization",
    "Located",
    "NotJudged",
    "Place",
    "Proposal",
    "Proposed",
    "ProposedObject",
    "Unread",
    "Wanted",
    "judge",
    "propose",
    "read_documents",
    "read_kustomization",
]
