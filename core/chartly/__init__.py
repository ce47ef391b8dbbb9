"""The pure core: models in, decisions out; no I/O, clock or randomness."""
