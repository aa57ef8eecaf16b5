"""Changes of the files themselves: only the spans concerned change, and every other byte stays as it is."""

from productionpolicy.offline.fix.answers import ANSWERABLE
from productionpolicy.offline.fix.edits import Edit, edited
from productionpolicy.offline.fix.obstacles import advice_on_unread
from productionpolicy.offline.fix.refusal import Refused
from productionpolicy.offline.fix.rewriting import (
    Aside,
    Corrupt,
    Done,
    Rewritten,
    encoded,
    refused,
    rewritten,
    with_documents,
    with_entries,
)
from productionpolicy.offline.fix.tasks import Left, Task, Tasks, tasks

__all__ = [
    "ANSWERABLE",
    "Aside",
    "Corrupt",
    "Done",
    "Edit",
    "Left",
    "Refused",
    "Rewritten",
    "Task",
    "Tasks",
    "advice_on_unread",
    "edited",
    "encoded",
    "refused",
    "rewritten",
    "tasks",
    "with_documents",
    "with_entries",
]
