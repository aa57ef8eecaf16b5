"""The same judgement without a cluster: from the text of manifests to verdicts, with files and lines."""

from productionpolicy.offline.documents import Document, Unread, read_documents
from productionpolicy.offline.judgement import NOTICES, Judged, Judgement, Located, judge

__all__ = [
    "NOTICES",
    "Document",
    "Judged",
    "Judgement",
    "Located",
    "Unread",
    "judge",
    "read_documents",
]
