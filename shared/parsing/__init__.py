"""Strict parsers of untrusted text: URLs, forms, JSON, base64url."""
