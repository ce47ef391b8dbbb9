"""The files that `chartly init` writes, with $name where a domain has its own words."""
