"""A stand-in for a Logto server, for laptops and tests. All its state is in memory."""
