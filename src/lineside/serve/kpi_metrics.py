"""The figures on exceptions for who watches the product: the last seven days, by class, in bounded labels."""

from __future__ import annotations

from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Gauge

from lineside.app import Lineside
from lineside.memory import EVERYTHING
from lineside.serve.kpi_rows import asked_for, told

_FRESH = timedelta(seconds=60)  # they change slowly, and are counted over a week each time
_STATISTICS = {"value": "value", "p90": "p90", "above": "numerator", "below": "denominator", "waiting": "waiting"}


class ExceptionGauges:
    """The gauges of a registry; durations in seconds. A figure that nothing counts for has no sample but its counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._figures = Gauge(
            "lineside_exception_kpi",
            "Key figures on exceptions over the last seven days, as defined in case_kpis.toml",
            ["kpi", "class", "statistic"],
            registry=registry,
        )
        self._open = Gauge("lineside_exceptions_open", "Open exceptions by class and age", ["class", "age"],
                           registry=registry)  # fmt: skip
        self._counted_at: datetime | None = None

    def take(self, lineside: Lineside) -> None:
        """The gauges say what the ledger tells now, or told a minute ago."""
        now = lineside.clock()
        if self._counted_at is not None and timedelta() <= now - self._counted_at < _FRESH:
            return
        asked, _ = asked_for(lineside, until=now.isoformat(), by=("class",))
        found = told(lineside, EVERYTHING, asked)
        self._figures.clear()
        self._open.clear()
        for figure in found.figures:
            kind = figure.group["class"]
            for statistic, name in _STATISTICS.items():
                if (number := getattr(figure, name)) is not None:
                    self._figures.labels(figure.kpi.key, kind, statistic).set(number)
            for age, count in figure.ages.items():
                self._open.labels(kind, age).set(count)
        self._counted_at = now
