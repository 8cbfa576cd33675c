"""The demo plant: one seeded month of northfield, then live, with its exact truth.

Everything is thought out once as facts in the open record format; the systems (`scada`, `erp`, `cmms`, `qms`, `wms`,
`mes`, `tracker`, `notes`) serve the same facts over real protocols, each in its own words. The truth is computed from
the causes and shares no code with the product's interpretation.
"""

from lineside.simulator.simulation import Simulation

__all__ = ["Simulation"]
