"""What a cell of a notebook shows: verdict cards, tables, figures, sources, in HTML."""
