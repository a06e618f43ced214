"""Training students: corpus, branches, objective, the loop, the record."""
