"""Arms on made-up reviews, whose gold reward is known by Bayes' rule."""
