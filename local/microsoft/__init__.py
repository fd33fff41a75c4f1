"""A stand-in for Microsoft: Entra ID's tenants, its sign-in, and the Graph API.

It runs in the program of the Logto stand-in, and knows nothing of it but a `state.Host`.
"""
