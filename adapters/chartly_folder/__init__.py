"""A folder that stands in for a cluster: its objects, its runs, and the state beside them."""
