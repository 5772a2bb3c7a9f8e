"""Curation: what data are kept, and what copies, noise and poison do to a model."""
