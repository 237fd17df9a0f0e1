"""From a network for volumes to a package, whatever it was made with."""
