"""Readers of what came from outside: URLs, forms, JSON, base64url."""
