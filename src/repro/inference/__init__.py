"""Running a trained decoder: what its cache holds, what a step costs, and how tokens are drawn from it."""
