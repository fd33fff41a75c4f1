"""What this product is measured beside; each is built and run as its own authors advise."""
