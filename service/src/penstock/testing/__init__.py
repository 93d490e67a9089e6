"""Testing topologies without a broker: TopologyTestDriver, and the runner of YAML cases behind `penstock test`."""

from penstock.testing.driver import TopologyTestDriver
from penstock.testing.records import OutputRecord
from penstock.testing.relations import FixedRelations

__all__ = ["FixedRelations", "OutputRecord", "TopologyTestDriver"]
