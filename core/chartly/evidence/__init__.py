"""What a run leaves behind: audit events, their chain, metrics."""
