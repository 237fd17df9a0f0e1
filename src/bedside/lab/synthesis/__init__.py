"""Images of heads out of label maps: any contrast, any geometry, no patient's image."""
