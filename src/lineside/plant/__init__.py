"""The plant's words: entities, records with their three times, quantities, equipment, shifts and windows. No I/O."""
