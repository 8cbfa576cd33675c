"""Stretches of time as people name them, resolved in the plant's time zone."""

from __future__ import annotations

from lineside.plant.timeline import Window

__all__ = ["Window"]
