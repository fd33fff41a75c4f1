"""The steps of setting up: each reads what is, computes what differs, and changes only that."""
