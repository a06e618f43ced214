"""Makes a rationale corpus: a teacher writes, a judge rejects, overlaps with test sets and easy questions go."""
