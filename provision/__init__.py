"""The commands for operating a deployment: setup, doctor, teardown and sessions."""
