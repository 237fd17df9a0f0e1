"""Scikit-learn's preprocessing, translated into declared operations (`package.operations`)."""
