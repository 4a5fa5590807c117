"""Cards: what a dataset holds, on one page, for those who are to trust what is learned from it."""
