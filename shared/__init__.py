"""What the functions share; imports nothing from `functions`."""
