"""Made-up reviews, whose gold reward is known by Bayes' rule."""
