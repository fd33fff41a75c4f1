"""Logto as an OpenID provider, and the SDK that speaks to it."""
