"""The use cases: typed results, over ports for store and cluster that adapters implement."""
