"""CommonsenseQA as a suite: everyday knowledge, five options."""
