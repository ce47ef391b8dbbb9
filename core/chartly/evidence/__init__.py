"""The evidence of a run: audit events, their hash chain, metrics."""
