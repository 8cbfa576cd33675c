"""A plant's day in Tryton, done over JSON-RPC as its own clients do it: nothing is written past its rules."""

import base64
import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx


class Tryton:
    """A signed-in user. Calls raise TrytonError with what the server answered."""

    def __init__(self, url: str, database: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/{database}", timeout=60)
        signed_in = self._call("common.db.login", user, {"password": password}, None)
        token = f"{user}:{signed_in[0]}:{signed_in[1]}".encode()
        self._client.headers["Authorization"] = "Session " + base64.b64encode(token).decode()
        self.context: dict[str, Any] = {}
        self.user_id = signed_in[0]

    def close(self) -> None:
        self._client.close()

    def call(self, method: str, *params: Any) -> Any:
        return self._call(f"model.{method}", *params, self.context)

    def wizard(self, action: dict[str, Any], model: str, ids: list[int], *steps: tuple[dict[str, Any], str]) -> None:
        """Goes through the wizard; steps: what is filled in beside the defaults, and the button pressed."""
        context = self.context | {
            "active_model": model, "active_id": ids[0], "active_ids": ids, "action_id": action["id"],
        }  # fmt: skip
        name = f"wizard.{action['wiz_name']}"
        session, start, _ = self._call(f"{name}.create", context)
        shown = self._call(f"{name}.execute", session, {}, start, context)
        for filled, button in steps:
            view = shown["view"]
            offered = view["defaults"] | view.get("values", {})
            form = {key: value for key, value in offered.items() if not key.endswith(".")} | filled
            shown = self._call(f"{name}.execute", session, {view["state"]: form}, button, context)
        self._call(f"{name}.delete", session, context)

    def create(self, model: str, **values: Any) -> int:
        return int(self.call(f"{model}.create", [values])[0])

    def write(self, model: str, record: int, **values: Any) -> None:
        self.call(f"{model}.write", [record], values)

    def read(self, model: str, record: int, *names: str) -> Any:
        [row] = self.call(f"{model}.read", [record], list(names))
        return row[names[0]] if len(names) == 1 else row

    def find(self, model: str, *domain: Any) -> int:
        found = self.call(f"{model}.search", list(domain), 0, 1, None)
        assert found, f"{model} has none with {domain}"
        return int(found[0])

    def _call(self, method: str, *params: Any) -> Any:
        body = {"id": 0, "method": method, "params": [_sent(each) for each in params]}
        answer = self._client.post("/rpc/", json=body)
        answer.raise_for_status()
        said = answer.json()
        if "error" in said:
            raise TrytonError(f"{method}: {str(said['error'])[:500]}")
        return said["result"]


class TrytonError(Exception):
    pass


@dataclass
class Plant:
    """What the scenario made, by the names that people use."""

    ids: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)


TODAY = dt.datetime.now(dt.UTC).date()


def set_up(tryton: Tryton) -> Plant:
    """A company with its products, places, people and controls; nothing has happened yet."""
    plant = Plant()
    ids = plant.ids
    ids["currency"] = tryton.create(
        "currency.currency", name="Euro", code="EUR", symbol="€",
        rates=[["create", [{"date": TODAY.replace(month=1, day=1), "rate": Decimal(1)}]]],
    )  # fmt: skip
    ids["company"] = tryton.create(
        "company.company", party=tryton.create("party.party", name="Northfield"), currency=ids["currency"]
    )
    tryton.write("res.user", tryton.user_id, companies=[["add", [ids["company"]]]], company=ids["company"])
    tryton.context = {"company": ids["company"]}
    for name in ("Alloy Traders", "Hill Motors"):
        ids[name] = tryton.create("party.party", name=name, addresses=[["create", [{"city": "Linz"}]]])
    ids["kg"], ids["unit"] = (tryton.find("product.uom", ["symbol", "=", each]) for each in ("kg", "u"))
    ids["steel"] = _product(tryton, "ST-200", "Tool steel", ids["kg"], cost="3.50", purchasable=True)
    ids["shaft"] = _product(tryton, "SH-10", "Shaft", ids["unit"], cost="11.25", producible=True, salable=True)
    ids["warehouse"] = tryton.find("stock.location", ["type", "=", "warehouse"])
    for name in ("input", "storage", "output", "production"):
        ids[name] = tryton.read("stock.location", ids["warehouse"], f"{name}_location")
    ids["bom"] = tryton.create(
        "production.bom", name="Shaft",
        inputs=[["create", [{"product": ids["steel"], "quantity": 2.5, "unit": ids["kg"]}]]],
        outputs=[["create", [{"product": ids["shaft"], "quantity": 1.0, "unit": ids["unit"]}]]],
    )  # fmt: skip
    category = tryton.create("production.work.center.category", name="Turning")
    ids["lathe"] = tryton.create(
        "production.work.center", name="Lathe 2", category=category, cost_method="hour", cost_price=Decimal("41.75"),
        company=ids["company"], warehouse=ids["warehouse"],
    )  # fmt: skip
    ids["turning"] = tryton.create("production.routing.operation", name="Turn", work_center_category=category)
    return plant


def _product(tryton: Tryton, code: str, name: str, unit: int, *, cost: str, **flags: bool) -> int:
    values: dict[str, Any] = {
        "name": name,
        "code": code,
        "type": "goods",
        "default_uom": unit,
        "list_price": Decimal(20),
    }
    if flags.get("purchasable"):
        values["purchase_uom"] = unit
    if flags.get("salable"):
        values["sale_uom"] = unit
    template = tryton.create(
        "product.template", **values, **flags, products=[["create", [{"suffix_code": "", "cost_price": Decimal(cost)}]]]
    )
    return tryton.find("product.product", ["template", "=", template])


def _sent(value: Any) -> Any:
    """The value as Tryton's JSON writes it."""
    match value:
        case dt.date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case dt.timedelta():
            return {"__class__": "timedelta", "seconds": value.total_seconds()}
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case dict():
            return {name: _sent(each) for name, each in value.items()}
        case list() | tuple():
            return [_sent(each) for each in value]
        case _:
            return value
