"""From a page of JSON to canonical events and rejects."""
