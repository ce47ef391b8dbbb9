"""What may leave and where to: addresses, origins, paging, retries."""
