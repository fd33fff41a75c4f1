"""What a million sign-ins and a million authorized requests cost: `python -m bench.costs`."""
