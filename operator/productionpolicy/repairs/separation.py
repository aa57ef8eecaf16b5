"""Rules that keep the pods of a workload apart, of one kind or the other."""

from __future__ import annotations

from typing import ClassVar

from productionpolicy.kube.repairable import RepairableField
from productionpolicy.repairs.amendment import Need
from productionpolicy.repairs.anti_affinity import AntiAffinity
from productionpolicy.repairs.harm import Harm
from productionpolicy.repairs.topology_spread import TopologySpread


class Separation:
    """A podAntiAffinity or topologySpreadConstraints; how a note begins tells which."""

    fields: ClassVar[tuple[RepairableField, ...]] = AntiAffinity.fields + TopologySpread.fields
    needs: ClassVar[tuple[Need, ...]] = AntiAffinity.needs + TopologySpread.needs
    harm: ClassVar[Harm | None] = None
    restarts: ClassVar[bool] = True
    subject: ClassVar[str] = ""

    @classmethod
    def parse(cls, note: str) -> AntiAffinity | TopologySpread:
        """Read a note of either.

        Raises:
            Illegible: it is a note of neither.
        """
        kind = TopologySpread if note.startswith(TopologySpread.__name__) else AntiAffinity
        return kind.parse(note)
