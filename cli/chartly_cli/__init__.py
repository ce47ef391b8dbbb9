"""The chartly command."""
