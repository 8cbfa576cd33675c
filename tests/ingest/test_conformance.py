"""Every connector of the house against the suite, each with a real source on the bench."""

MAPPING = {"entity": "lot:L-{n}", "properties": {"n": {"field": "n", "type": "number"}}}
