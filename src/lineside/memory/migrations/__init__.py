"""The schema's steps, in order. They never import today's tables: a step must mean the same for ever."""
