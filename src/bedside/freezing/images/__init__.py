"""An author's pictures: read one by one, varied, mixed into golden cases that are nobody's."""
