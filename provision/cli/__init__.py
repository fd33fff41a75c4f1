"""The commands: they turn options and answers into values, and call the code that acts."""
