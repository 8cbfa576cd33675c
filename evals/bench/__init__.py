"""How fast Lineside is, as a share of a baseline in the same run: machines differ and are noisy, ratios less so.

`python -m evals.bench [questions|large|sources ...]`
"""
