"""From files to what runs: digests, resolution, snapshots and run plans."""
