"""The only user of the ClickHouse clients."""
