"""Evaluation without a cluster: from the text of manifests to verdicts and plans, with files and lines."""

from productionpolicy.offline.comparison import Comparison, EarlierFinding, EarlierWorkload, Gone, compare
from productionpolicy.offline.documents import Document, Unread, Wanted, read_documents
from productionpolicy.offline.gathering import Gathered, Given, NotJudged, Place
from productionpolicy.offline.judgement import NOTICES, Judged, Judgement, Located, judge, judge_gathered
from productionpolicy.offline.kustomizations import KUSTOMIZATIONS, Kustomization, read_kustomization
from productionpolicy.offline.proposal import Proposal, Proposed, ProposedObject, propose, propose_gathered

__all__ = [
    "KUSTOMIZATIONS",
    "NOTICES",
    "Comparison",
    "Document",
    "EarlierFinding",
    "EarlierWorkload",
    "Gathered",
    "Given",
    "Gone",
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
    "compare",
    "judge",
    "judge_gathered",
    "propose",
    "propose_gathered",
    "read_documents",
    "read_kustomization",
]
