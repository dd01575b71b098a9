"""`nanochart bias`: biased dynamics along the variables of a chart."""
