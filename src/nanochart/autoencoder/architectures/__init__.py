"""Networks, one folder each, under the names that configurations use."""
