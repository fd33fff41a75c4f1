"""Costs of a million sign-ins and a million authorized requests: `python -m bench.costs`."""
