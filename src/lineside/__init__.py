"""Lineside: the operational memory of a manufacturing plant, and the assistant that answers from it."""


def __getattr__(name: str) -> str:
    """`__version__`, read only when asked for: it costs a tenth of a quick command."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version

    return version("lineside")
