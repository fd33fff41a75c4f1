"""A stand-in for a Logto server, for laptops and tests. It keeps everything in memory."""
