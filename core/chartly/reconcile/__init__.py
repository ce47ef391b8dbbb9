"""What the operator decides: the observed world in, actions out; no I/O, no clock."""
