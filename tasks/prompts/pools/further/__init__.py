"""Test prompts behind the first twelve of each category, one module a category.

They are appended, so the first twelve of a suite (`limit: 12`) are the same documents whatever stands here.
"""
