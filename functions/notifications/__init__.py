"""Logto's function: back-channel logout and webhooks end sessions."""
