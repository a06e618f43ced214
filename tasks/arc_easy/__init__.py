"""ARC-Easy as a suite: science questions of school exams, three to five options."""
