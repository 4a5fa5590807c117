"""The reports of evaluated datasets, and the page that compares several."""
