"""Public tables of other people's runs."""
