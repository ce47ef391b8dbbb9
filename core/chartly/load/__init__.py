"""The stored tables as SQL text and column layouts."""
