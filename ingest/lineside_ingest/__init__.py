"""The connectors of the house, one folder per kind of source. None of them sees another."""
