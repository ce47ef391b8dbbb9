"""One module per command: thin, and imported only when called."""
