"""Measurements of this product beside others: `python -m bench`, which is `make bench`."""
