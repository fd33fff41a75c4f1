"""The function for browsers: home, sign-in, callback, sign-out and /me."""
