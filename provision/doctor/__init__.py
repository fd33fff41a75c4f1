"""`doctor`: looks at a set-up without changing it, and says of each part whether it is right.

`look_*` see, `checks_*` judge: a check is a pure function of what was seen.
"""
