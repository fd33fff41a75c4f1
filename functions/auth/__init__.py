"""The browser's function: home, sign-in, callback, sign-out and /me."""
