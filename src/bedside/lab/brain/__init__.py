"""Brain extraction: the network, its loss, what its mask means, and what one training case is."""
