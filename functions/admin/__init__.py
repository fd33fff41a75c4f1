"""The operators' function: list, end and erase sessions. It has no route: IAM guards it."""
