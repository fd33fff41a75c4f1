"""The commands of `setup`, `teardown` and `doctor`: options in, values to the code that acts."""
