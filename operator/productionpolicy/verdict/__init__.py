"""The judgement: what a workload lacks (audit), what would be done about it (plan), and what all of them come to."""

from productionpolicy.verdict.audit import Outcome, Verdict, audit
from productionpolicy.verdict.evaluation import Evaluation, evaluate
from productionpolicy.verdict.inputs import Applied, Governance, Inputs
from productionpolicy.verdict.plan import Change, ObjectChange, Plan, Restarts, begun, plan
from productionpolicy.verdict.report import Exempted, State, WorkloadReport, exempted, report

__all__ = [
    "Applied",
    "Change",
    "Evaluation",
    "Exempted",
    "Governance",
    "Inputs",
    "ObjectChange",
    "Outcome",
    "Plan",
    "Restarts",
    "State",
    "Verdict",
    "WorkloadReport",
    "audit",
    "begun",
    "evaluate",
    "exempted",
    "plan",
    "report",
]
