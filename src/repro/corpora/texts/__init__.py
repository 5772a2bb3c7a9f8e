"""Training texts: made of packages, data sets or languages, cut into tokens, packed into files."""
