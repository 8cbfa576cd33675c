"""Lineside: the operational memory of a manufacturing plant, and the assistant that answers from it."""

from importlib.metadata import version

__version__ = version("lineside")
