"""The data card of a prepared dataset, as HTML and Markdown."""
