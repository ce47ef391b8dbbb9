"""The contract with users: profiles, workflows, runs and references."""
