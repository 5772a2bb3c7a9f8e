"""Training objectives: what is hidden of a text, what a model may see, and what it has to predict."""
