"""Kubernetes documents of a run: frozen inputs and the Job of an attempt."""
