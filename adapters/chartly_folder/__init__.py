"""A folder instead of a cluster: its objects, its runs, and the state beside them."""
