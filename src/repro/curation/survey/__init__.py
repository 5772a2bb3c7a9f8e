"""A survey of a folder of text: sizes, copies, languages, licence lines, and files that are no text."""
