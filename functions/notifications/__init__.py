"""The function for Logto's messages: back-channel logout and webhooks revoke sessions."""
