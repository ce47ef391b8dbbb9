"""Queries that users write: their SQL policy, windows and fingerprints."""
