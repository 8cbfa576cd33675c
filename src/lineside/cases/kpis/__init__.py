"""How well exceptions are worked, counted from Lineside's own ledgers: not the plant's production figures.

`definitions` is what the packs' case_kpis.toml calls each figure and what stands above and below its line; `taking`
reads the ledger and the records for one reader as of one moment; `elements` makes of that what figures are made of;
`figures` sums it over windows, classes, places and shifts, with the exceptions behind each. OEE and its kin are in
`interpretation.kpi`.
"""

from lineside.cases.kpis.asked import Asked
from lineside.cases.kpis.definitions import Definition, KpiPack, kpi_pack
from lineside.cases.kpis.figures import Figure, figures
from lineside.cases.kpis.governed import Governed
from lineside.cases.kpis.taking import take

__all__ = ["Asked", "Definition", "Figure", "Governed", "KpiPack", "figures", "kpi_pack", "take"]
