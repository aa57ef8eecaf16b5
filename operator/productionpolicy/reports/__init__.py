"""The report on a workload in the forms that other tools read: OpenReports, and the PolicyReport that came before."""

from productionpolicy.reports.documents import Form, content_of, is_own, report_name, report_on, workload_uid

__all__ = ["Form", "content_of", "is_own", "report_name", "report_on", "workload_uid"]
