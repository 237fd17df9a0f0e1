"""Every kind of model that can be frozen, behind one small face: `source.Source`."""
