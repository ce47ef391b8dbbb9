"""The operator's shell: watch, queue, decide, apply."""
