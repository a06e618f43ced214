"""The functions of the training prompts that work on dictionaries, trees and graphs."""

from typing import Any

from offbook.tasks.prompts.hidden_tests.matching import Case, either


def _node(value: int, left: Any = None, right: Any = None) -> dict[str, Any]:
    """A node under the names that are usual."""
    return {"value": value, "val": value, "data": value, "left": left, "right": right}


CASES: dict[str, list[Case]] = {
    "invert": [
        ("invert({'a': 1, 'b': 2})", {1: "a", 2: "b"}),
        ("invert({})", {}),
        ("invert({1: 'x'})", {"x": 1}),
    ],
    "zip_dict": [
        ("zip_dict(['a', 'b'], [1, 2])", {"a": 1, "b": 2}),
        ("zip_dict([], [])", {}),
        ("zip_dict([3], ['x'])", {3: "x"}),
    ],
    "squares": [("squares(3)", {1: 1, 2: 4, 3: 9}), ("squares(1)", {1: 1}), ("squares(5)[5]", 25)],
    "sort_by_value": [
        ("list(dict(sort_by_value({'a': 1, 'b': 3, 'c': 2})).items())", [("b", 3), ("c", 2), ("a", 1)]),
        ("list(dict(sort_by_value({'x': -1, 'y': 0})).items())", [("y", 0), ("x", -1)]),
        ("list(sort_by_value({}))", []),
    ],
    "merge_dicts": [
        ("merge_dicts({'a': 1, 'b': 2}, {'b': 3, 'c': 4})", {"a": 1, "b": 5, "c": 4}),
        ("merge_dicts({}, {'x': 1})", {"x": 1}),
        ("merge_dicts({'x': 1}, {})", {"x": 1}),
    ],
    "deep_get": [
        ("deep_get({'a': {'b': {'c': 7}}}, 'a.b.c')", 7),
        ("deep_get({'a': 1}, 'a')", 1),
        ("deep_get({'a': {'b': 'x'}}, 'a.b')", "x"),
    ],
    "drop_none": [
        ("(lambda d: drop_none(d) or d)({'a': 1, 'b': None})", {"a": 1}),
        ("(lambda d: drop_none(d) or d)({'a': 0, 'b': ''})", {"a": 0, "b": ""}),
        ("drop_none({}) or {}", {}),
    ],
    "depth": [
        ("depth((1, (2, (3,)))) - depth((1, (2, 3)))", 1),
        ("depth((1, 2)) in (1, 2)", True),
        ("depth((1, (2,), (3, (4, (5,))))) - depth((1,))", 3),
    ],
    "tree_sum": [
        (f"tree_sum({_node(1, _node(2), _node(4, None, _node(8)))!r})", 15),
        (f"tree_sum({_node(5)!r})", 5),
    ],
    "reverse_linked": [
        ("unlinked(reverse_linked(linked(1, 2, 3)))", [3, 2, 1]),
        ("unlinked(reverse_linked(linked(7)))", [7]),
        ("unlinked(reverse_linked(None))", []),
    ],
    "has_cycle": [
        ("has_cycle({'a': ['b'], 'b': ['c'], 'c': ['a']})", True),
        ("has_cycle({'a': ['b'], 'b': ['c'], 'c': []})", False),
        ("has_cycle({'a': ['b', 'c'], 'b': ['d'], 'c': ['d'], 'd': []})", False),
        ("has_cycle({'a': ['a']})", True),
    ],
    "shortest_path": [
        (
            "list(shortest_path({'a': ['b', 'c'], 'b': ['d'], 'c': ['e'], 'd': ['f'], 'e': ['g'], 'f': ['g'], "
            "'g': []}, 'a', 'g'))",
            ["a", "c", "e", "g"],
        ),
        ("list(shortest_path({'a': ['b'], 'b': []}, 'a', 'b'))", ["a", "b"]),
        ("list(shortest_path({'a': []}, 'a', 'a'))", ["a"]),
    ],
    "topological": [
        ("list(topological({'a': ['b'], 'b': ['c'], 'c': []}))", either(["a", "b", "c"], ["c", "b", "a"])),
        ("list(topological({'x': []}))", ["x"]),
        ("sorted(topological({'a': ['c'], 'b': ['c'], 'c': []}))", ["a", "b", "c"]),
    ],
}
