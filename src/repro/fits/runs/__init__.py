"""What laws are fitted to: a reader's runs, public suites, planted worlds."""
