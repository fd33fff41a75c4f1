"""`doctor`: check a set-up without changing it.

The `collect_*` modules read and judge nothing, the `checks_*` modules judge and read nothing:
a check is a pure function of what was observed.
"""
