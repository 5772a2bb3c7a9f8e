"""Questions to the laws: how to spend, what counting changes, what repetition is worth, whether one can plan."""
