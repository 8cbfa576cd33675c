"""Plants of different shape, written as their people would."""

from lineside.plant.plant import Plant
from lineside.plant.plant_file import parse_plant

BOTTLER = """
enterprise = "hill-group"
site = "hillside"
name = "Hillside"
time_zone = "America/Chicago"
holidays = ["2026-11-26"]

[[equipment]]
id = "hillside/packing/line-3"
name = "Line 3"
aliases = ["L3"]

[[shifts]]
name = "day"
start = "06:00"
end = "14:00"
aliases = ["first shift"]

[[shifts]]
name = "evening"
start = "14:00"
end = "22:00"

[[shifts]]
name = "night"
start = "22:00"
end = "06:00"
aliases = ["third shift", "graveyard"]
days = [1, 2, 3, 4, 7]

[[roster]]
week = "2026-W44"
night = "crew-c"

[[people]]
id = "planner-1"
name = "P. Lanner"
roles = ["planner"]
sites = ["hillside"]
slack = "U0PLANNER1"
email = "p@example.com"

[[sources]]
name = "wms"
kind = "wms"
owner = "shipping-1"
cadence_s = 3600
clock_offset_s = -2.5
owns = ["inventory.quantity:on_hand", "packed"]
readers = ["planner"]

[[cut_offs]]
dock = "hillside/warehouse/dock-4"
departure = "15:00"
cut_off = "14:15"
carrier = "North"
days = [1, 5]

[[customers]]
id = "C-200"
name = "A customer"
partial_allowed = true
partial_min_share = 0.85
documents = ["coa"]

[[contacts]]
partner = "C-200"
email = "orders@customer.example"
name = "Ann Käufer"
language = "de"
for = ["customer"]
"""

FOUNDRY = """
site = "giesserei"
time_zone = "Europe/Berlin"
shifts = [
  {name = "Früh", start = 06:00:00, end = 14:00:00},
  {name = "Spät", start = 14:00:00, end = 22:00:00},
  {name = "Nacht", start = 22:00:00, end = 06:00:00},
]
"""

TWELVE_HOURS = """
site = "mill"
time_zone = "Australia/Lord_Howe"
shifts = [{name = "A", start = "06:30", end = "18:30"}, {name = "B", start = "18:30", end = "06:30"}]
"""

# Shifts that begin and end inside the hour which the clocks leave out or repeat, with a pause between them.
AWKWARD = """
site = "awkward"
time_zone = "America/Chicago"
shifts = [
  {name = "one", start = "01:15", end = "02:30"},
  {name = "two", start = "02:30", end = "02:45"},
  {name = "three", start = "03:00", end = "15:00"},
  {name = "four", start = "15:30", end = "01:15"},
]
"""

BARE = 'site = "bare"\ntime_zone = "UTC"\n'

bottler: Plant = parse_plant(BOTTLER)
foundry: Plant = parse_plant(FOUNDRY)
mill: Plant = parse_plant(TWELVE_HOURS)
awkward: Plant = parse_plant(AWKWARD)
bare: Plant = parse_plant(BARE)
