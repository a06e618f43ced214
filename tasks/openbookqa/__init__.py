"""OpenBookQA as a suite: everyday science, four options."""
