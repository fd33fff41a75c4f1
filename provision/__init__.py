"""Commands for whoever looks after a deployment."""
