"""The steps of `setup`: each reads what exists, computes what differs, and changes only that."""
