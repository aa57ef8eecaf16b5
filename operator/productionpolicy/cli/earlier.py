"""The report with which `check --compare` compares: an earlier output of `check -o json`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from productionpolicy.cli.formats.json import Report, Workload
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline import EarlierFinding, EarlierWorkload
from productionpolicy.offline.gathering import shown


class NoReport(ValueError):
    """A file is not a report of `check -o json`; the message gives the reason."""


def read_earlier(path: Path) -> tuple[EarlierWorkload, ...]:
    """Return the workloads of an earlier report.

    Raises:
        NoReport: the file cannot be read, or is something else.
    """
    try:
        report = msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise NoReport(shown(f"{path} cannot be read: {error.strerror}")) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoReport(shown(f"{path} is not a report of `check -o json`: {error}")) from error
    return tuple(map(_workload, report.workloads))


def _workload(given: Workload) -> EarlierWorkload:
    return EarlierWorkload(
        WorkloadKey(given.namespace, given.kind, given.name),
        tuple(EarlierFinding(each.expectation, each.path, each.message) for each in given.findings),
        frozenset(given.verdicts),
    )
