"""Networks, one file each, under the names that configurations use."""
