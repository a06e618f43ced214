"""StrategyQA as a suite: yes/no questions whose steps are not in the question."""
