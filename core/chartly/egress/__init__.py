"""The rules of requests without I/O: addresses, origins, paging, retries."""
