"""The functions of the test prompts behind the first twelve."""

from offbook.tasks.prompts.hidden_tests.matching import Case, any_order, near

_KNIGHT = [(2, 3), (2, 5), (3, 2), (3, 6), (5, 2), (5, 6), (6, 3), (6, 5)]
CASES: dict[str, list[Case]] = {
    "hamming_distance": [
        ("hamming_distance('karolin', 'kathrin')", 3),
        ("hamming_distance('', '')", 0),
        ("hamming_distance('abc', 'abc')", 0),
        ("hamming_distance('abc', 'cab')", 3),
    ],
    "caesar_shift": [
        ("caesar_shift('abc', 3)", "def"),
        ("caesar_shift('xyz', 2)", "zab"),
        ("caesar_shift('Zebra', 1)", "Afcsb"),
        ("caesar_shift('M', 0)", "M"),
    ],
    "moving_average": [
        ("moving_average([1, 2, 3, 4], 2)", [1.5, 2.5, 3.5]),
        ("moving_average([5, 7], 1)", [5, 7]),
        ("moving_average([3, 6, 9], 3)", [6]),
    ],
    "is_triangle": [
        ("is_triangle(3, 4, 5)", True),
        ("is_triangle(1, 2, 3)", False),
        ("is_triangle(2, 2, 5)", False),
        ("is_triangle(9, 2, 3)", False),
        ("is_triangle(2, 9, 3)", False),
        ("is_triangle(7, 7, 7)", True),
    ],
    "digital_root": [
        ("digital_root(942)", 6),
        ("digital_root(0)", 0),
        ("digital_root(7)", 7),
        ("digital_root(493193)", 2),
    ],
    "is_isogram": [
        ("is_isogram('blacksmith')", True),
        ("is_isogram('letter')", False),
        ("is_isogram('abca')", False),
        ("is_isogram('')", True),
    ],
    "trailing_zeros": [
        ("trailing_zeros(4)", 0),
        ("trailing_zeros(5)", 1),
        ("trailing_zeros(10)", 2),
        ("trailing_zeros(25)", 6),
        ("trailing_zeros(100)", 24),
    ],
    "look_and_say": [
        ("look_and_say('1')", "11"),
        ("look_and_say('112')", "2112"),
        ("look_and_say('1211')", "111221"),
        ("look_and_say('3331')", "3311"),
    ],
    "column_sums": [
        ("list(column_sums([[1, 2], [3, 4]]))", [4, 6]),
        ("list(column_sums([[5, 0, 1]]))", [5, 0, 1]),
        ("list(column_sums([[1], [2], [3]]))", [6]),
    ],
    "max_profit": [
        ("max_profit([7, 1, 5, 3, 6, 4])", 5),
        ("max_profit([7, 6, 4])", 0),
        ("max_profit([2, 9, 1, 4])", 7),
        ("max_profit([3])", 0),
    ],
    "count_in_range": [
        ("count_in_range([1, 5, 7, 10], 5, 10)", 3),
        ("count_in_range([], 0, 1)", 0),
        ("count_in_range([2, 2, 3], 2, 2)", 2),
        ("count_in_range([-1, 0, 4], 1, 3)", 0),
    ],
    "intervals_overlap": [
        ("intervals_overlap((1, 3), (2, 5))", True),
        ("intervals_overlap((1, 2), (3, 4))", False),
        ("intervals_overlap((1, 2), (2, 4))", True),
        ("intervals_overlap((5, 9), (1, 3))", False),
        ("intervals_overlap((0, 9), (3, 4))", True),
    ],
    "merge_intervals": [
        ("[list(pair) for pair in merge_intervals([[1, 3], [2, 6], [8, 10]])]", [[1, 6], [8, 10]]),
        ("[list(pair) for pair in merge_intervals([[5, 6], [1, 2]])]", [[1, 2], [5, 6]]),
        ("[list(pair) for pair in merge_intervals([[1, 9], [2, 3]])]", [[1, 9]]),
        ("list(merge_intervals([]))", []),
    ],
    "climb_stairs": [("climb_stairs(1)", 1), ("climb_stairs(2)", 2), ("climb_stairs(3)", 3), ("climb_stairs(10)", 89)],
    "missing_letters": [
        ("missing_letters('abcdefghijklmnopqrstuvw')", "xyz"),
        ("missing_letters('the quick brown fox jumps over a lazy dog')", ""),
        ("missing_letters('zyxwvutsrqponmlkjihgfe')", "abcd"),
    ],
    "indent": [
        ("indent('one\\ntwo', 2)", "  one\n  two"),
        ("indent('x', 4)", "    x"),
        ("indent('a\\nb\\nc', 0)", "a\nb\nc"),
    ],
    "count_substring": [
        ("count_substring('aaaa', 'aa')", 3),
        ("count_substring('banana', 'ana')", 2),
        ("count_substring('abc', 'd')", 0),
        ("count_substring('hello', 'l')", 2),
    ],
    "deep_sum": [
        ("deep_sum([1, [2, [3, 4]], 5])", 15),
        ("deep_sum([])", 0),
        ("deep_sum([[[[7]]], -7])", 0),
        ("deep_sum([1, 2, 3])", 6),
    ],
    "argmax": [("argmax([3, 9, 2])", 1), ("argmax([4, 4, 1])", 0), ("argmax([-5, -2, -9])", 1), ("argmax([8])", 0)],
    "only_once": [
        ("list(only_once([1, 2, 2, 3]))", [1, 3]),
        ("list(only_once(['b', 'a', 'b', 'c']))", ["a", "c"]),
        ("list(only_once([5, 5]))", []),
        ("list(only_once([9, 7, 8]))", [9, 7, 8]),
    ],
    "quarter": [
        ("[quarter(month) for month in range(1, 13)]", [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]),
        ("quarter(3)", 1),
        ("quarter(10)", 4),
    ],
    "clock_angle": [
        ("clock_angle(3, 0)", near(90, 1e-6)),
        ("clock_angle(12, 0)", near(0, 1e-6)),
        ("clock_angle(9, 0)", near(90, 1e-6)),
        ("clock_angle(12, 30)", near(165, 1e-6)),
        ("clock_angle(2, 20)", near(50, 1e-6)),
    ],
    "knight_moves": [
        ("[tuple(square) for square in knight_moves(0, 0)]", any_order((1, 2), (2, 1))),
        ("[tuple(square) for square in knight_moves(4, 4)]", any_order(*_KNIGHT)),
        ("[tuple(square) for square in knight_moves(7, 0)]", any_order((6, 2), (5, 1))),
    ],
    "to_base": [
        ("to_base(10, 2)", "1010"),
        ("to_base(255, 16)", "ff"),
        ("to_base(0, 8)", "0"),
        ("to_base(64, 8)", "100"),
        ("to_base(7, 10)", "7"),
    ],
    "evaluate_postfix": [
        ("evaluate_postfix(['3', '4', '+'])", 7),
        ("evaluate_postfix(['10', '4', '-', '2', '*'])", 12),
        ("evaluate_postfix(['5'])", 5),
        ("evaluate_postfix(['2', '3', '4', '*', '-'])", -10),
    ],
    "plus_one": [
        ("plus_one([1, 2, 3])", [1, 2, 4]),
        ("plus_one([9, 9])", [1, 0, 0]),
        ("plus_one([0])", [1]),
        ("plus_one([1, 9])", [2, 0]),
    ],
    "extract_numbers": [
        ("list(extract_numbers('3 cats and 12 dogs'))", [3, 12]),
        ("list(extract_numbers('none'))", []),
        ("list(extract_numbers('a1b22c333'))", [1, 22, 333]),
    ],
    "majority": [
        ("majority([1, 1, 2])", 1),
        ("majority(['a', 'b'])", None),
        ("majority([3, 1, 3, 2, 3])", 3),
        ("majority([])", None),
        ("majority([1, 2, 3, 3])", None),
    ],
}
