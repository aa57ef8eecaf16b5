"""Evaluation without a cluster: from the text of manifests to verdicts and plans, with files and lines."""

from productionpolicy.offline.clusters import Cluster, documents_of
from productionpolicy.offline.comparison import Comparison, EarlierFinding, EarlierWorkload, Gone, compare
from productionpolicy.offline.documents import Document, Unread, Wanted, read_documents
from productionpolicy.offline.gathering import FILES, Gathered, Given, NotJudged, Place, Source
from productionpolicy.offline.governing import ByCluster, ByOnePolicy, Governing
from productionpolicy.offline.judgement import NOTICES, Judged, Judgement, Located, judge, judge_gathered
from productionpolicy.offline.kustomizations import KUSTOMIZATIONS, Kustomization, read_kustomization
from productionpolicy.offline.proposal import Proposal, Proposed, ProposedObject, propose, propose_gathered

__all__ = [
    "FILES",
    "KUSTOMIZATIONS",
    "NOTICES",
    "ByCluster",
    "ByOnePolicy",
    "Cluster",
    "Comparison",
    "Document",
    "EarlierFinding",
    "EarlierWorkload",
    "Gathered",
    "Given",
    "Gone",
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
    "compare",
    "documents_of",
    "judge",
    "judge_gathered",
    "propose",
    "propose_gathered",
    "read_documents",
    "read_kustomization",
]
