"""Tables: public ones of other people's runs, and a reader's own, whatever wrote the file."""
