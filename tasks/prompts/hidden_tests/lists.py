"""The functions of the training prompts that work on lists."""

from offbook.tasks.prompts.hidden_tests.matching import Case, any_order, either, near, sequence

CASES: dict[str, list[Case]] = {
    "unique": [
        ("unique([3, 1, 3, 2, 1])", [3, 1, 2]),
        ("unique(['b', 'a', 'b'])", ["b", "a"]),
        ("unique([])", []),
    ],
    "chunk": [
        ("[list(one) for one in chunk([1, 2, 3, 4, 5], 2)]", [[1, 2], [3, 4], [5]]),
        ("[list(one) for one in chunk([1, 2], 5)]", [[1, 2]]),
        ("list(chunk([], 3))", []),
    ],
    "binary_search": [
        ("binary_search([1, 3, 5, 7, 9], 7)", 3),
        ("binary_search([1, 3, 5, 7, 9], 1)", 0),
        ("binary_search([1, 3, 5, 7, 9], 4)", -1),
        ("binary_search([], 4)", -1),
        ("binary_search([2, 4], 4)", 1),
    ],
    "bubble_sort": [
        ("(lambda items: (bubble_sort(items), items)[1])([3, 1, 2])", [1, 2, 3]),
        ("(lambda items: (bubble_sort(items), items)[1])([5, 4, 4, -1])", [-1, 4, 4, 5]),
        ("(lambda items: (bubble_sort(items), items)[1])([])", []),
    ],
    "insertion_sort": [
        ("insertion_sort([3, 1, 2])", [1, 2, 3]),
        ("insertion_sort([5, 4, 4, -1])", [-1, 4, 4, 5]),
        ("insertion_sort([])", []),
    ],
    "quick_sort": [
        ("quick_sort([3, 1, 2])", [1, 2, 3]),
        ("quick_sort([5, 4, 4, -1])", [-1, 4, 4, 5]),
        ("quick_sort([])", []),
        ("(lambda kept: (quick_sort(kept), kept))([2, 1])", ([1, 2], [2, 1])),
    ],
    "common_elements": [
        ("common_elements([1, 2, 3], [2, 3, 4])", any_order(2, 3)),
        ("common_elements([1], [2])", any_order()),
        ("common_elements([5, 6], [6])", any_order(6)),
    ],
    "shuffle_copy": [
        ("sorted(shuffle_copy([4, 2, 9]))", [2, 4, 9]),
        ("(lambda kept: (shuffle_copy(kept), kept)[1])(list(range(20)))", list(range(20))),
        ("shuffle_copy(list(range(200))) != list(range(200))", True),
    ],
    "even_numbers": [
        ("list(even_numbers([1, 2, 3, 4]))", [2, 4]),
        ("list(even_numbers([1, 3]))", []),
        ("list(even_numbers([0, -2, 7]))", [0, -2]),
    ],
    "cumulative": [
        ("list(cumulative([1, 2, 3]))", [1, 3, 6]),
        ("list(cumulative([]))", []),
        ("list(cumulative([5, -5, 2]))", [5, 0, 2]),
    ],
    "interleave": [
        ("list(interleave([1, 3], [2, 4]))", [1, 2, 3, 4]),
        ("list(interleave(['a'], ['b']))", ["a", "b"]),
        ("list(interleave([], []))", []),
    ],
    "all_equal": [
        ("all_equal([1, 1, 1])", True),
        ("all_equal([1, 2, 1])", False),
        ("all_equal(['x'])", True),
        ("all_equal([3, 3, 4])", False),
    ],
    "is_sorted": [
        ("is_sorted([1, 2, 2, 3])", True),
        ("is_sorted([3, 1])", False),
        ("is_sorted([])", True),
        ("is_sorted([1, 5, 4])", False),
    ],
    "find_missing": [
        ("find_missing([1, 2, 4, 5])", 3),
        ("find_missing([2, 3, 1, 5])", 4),
        ("find_missing([2, 3])", 1),
    ],
    "two_sum": [
        ("two_sum([2, 7, 11, 15], 9)", any_order(0, 1)),
        ("two_sum([3, 2, 4], 6)", any_order(1, 2)),
        ("two_sum([3, 3], 6)", any_order(0, 1)),
    ],
    "longest_run": [
        ("longest_run([1, 1, 2, 2, 2, 3])", 3),
        ("longest_run([5])", 1),
        ("longest_run([1, 2, 3])", 1),
        ("longest_run([4, 4, 1, 4, 4, 4, 4])", 4),
    ],
    "max_subarray": [
        ("max_subarray([-2, 1, -3, 4, -1, 2, 1, -5, 4])", 6),
        ("max_subarray([1, 2, 3])", 6),
        ("max_subarray([5, -9, 6])", 6),
    ],
    "pascal_row": [
        ("list(pascal_row(4))", either([1, 4, 6, 4, 1], [1, 3, 3, 1])),
        ("len(pascal_row(6)) - len(pascal_row(5))", 1),
        ("max(pascal_row(6)) in (10, 20)", True),
    ],
    "subsets": [
        ("[sorted(one) for one in subsets([1, 2])]", any_order([], [1], [2], [1, 2])),
        ("[sorted(one) for one in subsets([])]", [[]]),
        ("len(list(subsets([1, 2, 3])))", 8),
    ],
    "cartesian": [
        (
            "[tuple(pair) for pair in cartesian([1, 2], ['a', 'b'])]",
            any_order((1, "a"), (1, "b"), (2, "a"), (2, "b")),
        ),
        ("list(cartesian([], [1]))", []),
    ],
    "swap_pairs": [
        ("list(swap_pairs([1, 2, 3, 4]))", [2, 1, 4, 3]),
        ("list(swap_pairs([1, 2, 3]))", [2, 1, 3]),
        ("list(swap_pairs([]))", []),
    ],
    "every_other": [
        ("list(every_other([1, 2, 3, 4, 5]))", [1, 3, 5]),
        ("list(every_other(['a', 'b']))", ["a"]),
        ("list(every_other([]))", []),
    ],
    "last_n": [
        ("list(last_n([1, 2, 3, 4], 2))", [3, 4]),
        ("list(last_n([1], 1))", [1]),
        ("list(last_n(['a', 'b', 'c'], 3))", ["a", "b", "c"]),
    ],
    "remove_at": [
        ("remove_at([1, 2, 3], 1)", [1, 3]),
        ("remove_at(['x'], 0)", []),
        ("(lambda kept: (remove_at(kept, 0), kept))([4, 5])", ([5], [4, 5])),
    ],
    "insert_sorted": [
        ("(lambda items: insert_sorted(items, 3) or items)([1, 2, 4])", [1, 2, 3, 4]),
        ("(lambda items: insert_sorted(items, 9) or items)([1, 2])", [1, 2, 9]),
        ("(lambda items: insert_sorted(items, 0) or items)([1])", [0, 1]),
        ("(lambda items: insert_sorted(items, 5) or items)([])", [5]),
    ],
    "pairwise_sums": [
        ("list(pairwise_sums([1, 2, 3]))", [3, 5]),
        ("list(pairwise_sums([10, -10]))", [0]),
        ("list(pairwise_sums([1, 1, 2, 3]))", [2, 3, 5]),
    ],
    "normalise": [
        ("list(normalise([0, 5, 10]))", [0, 0.5, 1]),
        ("list(normalise([2, 4]))", [0, 1]),
        ("list(normalise([3, 1, 2]))", [1, 0, 0.5]),
    ],
    "matrix_multiply": [
        ("[list(r) for r in matrix_multiply([[1, 2], [3, 4]], [[5, 6], [7, 8]])]", [[19, 22], [43, 50]]),
        ("[list(r) for r in matrix_multiply([[2]], [[3]])]", [[6]]),
        ("[list(r) for r in matrix_multiply([[1, 2, 3]], [[1], [0], [2]])]", [[7]]),
    ],
    "identity": [
        ("[list(r) for r in identity(3)]", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        ("[list(r) for r in identity(1)]", [[1]]),
    ],
    "diagonal_sum": [
        ("diagonal_sum([[1, 2], [3, 4]])", 5),
        ("diagonal_sum([[7]])", 7),
        ("diagonal_sum([[1, 9, 9], [9, 2, 9], [9, 9, 3]])", 6),
    ],
    "spiral": [
        ("list(spiral([[1, 2, 3], [4, 5, 6], [7, 8, 9]]))", [1, 2, 3, 6, 9, 8, 7, 4, 5]),
        ("list(spiral([[1]]))", [1]),
        ("list(spiral([[1, 2], [3, 4]]))", [1, 2, 4, 3]),
        ("list(spiral([[1, 2, 3, 4], [5, 6, 7, 8]]))", [1, 2, 3, 4, 8, 7, 6, 5]),
    ],
    "count_islands": [
        ("count_islands([[1, 1, 0], [0, 0, 0], [0, 1, 1]])", 2),
        ("count_islands([[0, 0], [0, 0]])", 0),
        ("count_islands([[1, 1], [1, 1]])", 1),
        ("count_islands([[1, 0, 1, 0, 1]])", 3),
    ],
    "tic_tac_toe_winner": [
        ("tic_tac_toe_winner([['X', 'X', 'X'], ['O', 'O', 'X'], ['X', 'O', 'O']])", "X"),
        ("tic_tac_toe_winner([['O', 'X', 'X'], ['X', 'O', 'X'], ['X', 'O', 'O']])", "O"),
        ("tic_tac_toe_winner([['X', 'O', 'X'], ['X', 'O', 'O'], ['O', 'X', 'X']]) in ('X', 'O')", False),
    ],
    "bowling_average": [
        ("bowling_average([100, 150, 200])", 150),
        ("bowling_average([90])", 90),
        ("bowling_average([120, 125])", near(122.5, 0.01)),
    ],
    "rank": [("rank({'ann': 5, 'bo': 9, 'cy': 7})", lambda given: _ranked(given))],
}

_BEST_FIRST = ("bo", "cy", "ann")


def _ranked(given: object) -> bool:
    """Ranks by name, or names (alone, with score or with rank) in their order."""
    if isinstance(given, dict):
        ranks = [given.get(name) for name in _BEST_FIRST]
        return ranks == [1, 2, 3] or list(given.values()) in (list(_BEST_FIRST), [9, 7, 5])
    if isinstance(given, list | tuple):
        names = [next((x for x in one if isinstance(x, str)), None) if isinstance(one, tuple) else one for one in given]
        return sequence(*_BEST_FIRST)(names)
    return False
