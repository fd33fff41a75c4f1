"""The stand-in for Microsoft: Entra ID's tenants and the Graph API."""
