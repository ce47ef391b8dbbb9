"""Analytics queries: the SQL gate, windows and fingerprints."""
