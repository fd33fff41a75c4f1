"""The operators' function lists, ends and erases sessions. It has no route: IAM guards it."""
