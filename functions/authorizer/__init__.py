"""API Gateway's function: turns a session cookie or a bearer token into an identity, or denies."""
