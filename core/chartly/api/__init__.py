"""The API of Chartly: models of profiles, workflows, runs and references."""
