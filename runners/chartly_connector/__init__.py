"""The process that pulls pages from an HTTP API into the spool."""
