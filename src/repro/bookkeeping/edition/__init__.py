"""The editions of the book, made from its pages: HTML by Jupyter Book, a PDF by Chromium, an ePub by Sphinx."""
