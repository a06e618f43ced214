"""The functions of the training prompts that read and write text."""

from offbook.tasks.prompts.hidden_tests.matching import Case, any_order, either, sequence

CASES: dict[str, list[Case]] = {
    "reverse_words": [
        ("reverse_words('one two three')", "three two one"),
        ("reverse_words('alone')", "alone"),
        ("reverse_words('')", ""),
    ],
    "is_palindrome": [
        ("is_palindrome('Level')", True),
        ("is_palindrome('noon')", True),
        ("is_palindrome('python')", False),
        ("is_palindrome('')", True),
        ("is_palindrome('Aba')", True),
    ],
    "word_counts": [
        ("word_counts('a b a')", {"a": 2, "b": 1}),
        ("word_counts('')", {}),
        ("word_counts('red blue red red')", {"red": 3, "blue": 1}),
    ],
    "longest_word": [
        ("longest_word('the quick elephant ran')", "elephant"),
        ("longest_word('one')", "one"),
        ("longest_word('go further now')", "further"),
    ],
    "capitalise_each": [
        ("capitalise_each('hello big world')", "Hello Big World"),
        ("capitalise_each('a')", "A"),
        ("capitalise_each('')", ""),
    ],
    "remove_spaces": [
        ("remove_spaces('a b  c')", "abc"),
        ("remove_spaces(' x\\ty\\nz ')", "xyz"),
        ("remove_spaces('')", ""),
    ],
    "swap_case": [("swap_case('aBc')", "AbC"), ("swap_case('Hi 5!')", "hI 5!"), ("swap_case('')", "")],
    "first_unique_char": [
        ("first_unique_char('swiss')", "w"),
        ("first_unique_char('level')", "v"),
        ("first_unique_char('aabbc')", "c"),
    ],
    "remove_punctuation": [
        ("remove_punctuation('Hi, there!')", "Hi there"),
        ("remove_punctuation('a.b;c?')", "abc"),
        ("remove_punctuation('plain')", "plain"),
    ],
    "acronym": [
        ("acronym('Portable Network Graphics')", "PNG"),
        ("acronym('as soon as possible')", either("ASAP", "asap")),
        ("acronym('Laughter')", "L"),
    ],
    "pig_latin": [
        ("pig_latin('pig')", "igpay"),
        ("pig_latin('banana')", "ananabay"),
        ("pig_latin('apple')", either("appleay", "appleway", "appleyay", "applehay")),
    ],
    "anagrams": [
        ("anagrams('listen', 'silent')", True),
        ("anagrams('apple', 'pale')", False),
        ("anagrams('aab', 'abb')", False),
        ("anagrams('evil', 'vile')", True),
    ],
    "file_extension": [
        ("file_extension('photo.jpg')", either("jpg", ".jpg")),
        ("file_extension('archive.tar.gz')", either("gz", ".gz")),
        ("file_extension('notes.txt')", either("txt", ".txt")),
    ],
    "parse_csv_line": [
        ("list(parse_csv_line('a, b ,c'))", ["a", "b", "c"]),
        ("list(parse_csv_line('one'))", ["one"]),
        ("list(parse_csv_line(' 1,, 3 '))", ["1", "", "3"]),
    ],
    "int_to_words": [
        ("int_to_words(7).lower()", "seven"),
        ("int_to_words(13).lower()", "thirteen"),
        ("int_to_words(40).lower()", "forty"),
        ("int_to_words(21).lower().replace('-', ' ')", "twenty one"),
        ("int_to_words(99).lower().replace('-', ' ')", "ninety nine"),
    ],
    "ordinal": [
        ("ordinal(1)", "1st"),
        ("ordinal(2)", "2nd"),
        ("ordinal(3)", "3rd"),
        ("ordinal(4)", "4th"),
        ("ordinal(11)", "11th"),
        ("ordinal(12)", "12th"),
        ("ordinal(21)", "21st"),
        ("ordinal(113)", "113th"),
    ],
    "hex_to_rgb": [
        ("hex_to_rgb('#ffaa00')", sequence(255, 170, 0)),
        ("hex_to_rgb('#000000')", sequence(0, 0, 0)),
        ("hex_to_rgb('#0a141e')", sequence(10, 20, 30)),
    ],
    "rgb_to_hex": [
        ("rgb_to_hex(255, 170, 0).lower().lstrip('#')", "ffaa00"),
        ("rgb_to_hex(0, 0, 0).lower().lstrip('#')", "000000"),
        ("rgb_to_hex(10, 20, 30).lower().lstrip('#')", "0a141e"),
    ],
    "camel_to_snake": [
        ("camel_to_snake('camelCase')", "camel_case"),
        ("camel_to_snake('word')", "word"),
        ("camel_to_snake('readAllLines')", "read_all_lines"),
    ],
    "snake_to_camel": [
        ("snake_to_camel('snake_case')", "snakeCase"),
        ("snake_to_camel('word')", "word"),
        ("snake_to_camel('read_all_lines')", "readAllLines"),
    ],
    "truncate": [
        ("truncate('short', 10)", "short"),
        ("truncate('a long piece of text', 10)", lambda given: _shortened(given, "a long piece of text", 10)),
        ("truncate('abcdefghijkl', 8)", lambda given: _shortened(given, "abcdefghijkl", 8)),
    ],
    "center": [
        ("center('ab', 6)", "**ab**"),
        ("center('abc', 5)", "*abc*"),
        ("center('word', 4)", "word"),
    ],
    "box": [
        ("shown(box, 'hi')", lambda given: _framed(given, "hi")),
        ("shown(box, 'offbook')", lambda given: _framed(given, "offbook")),
    ],
    "pyramid": [
        (
            "[line.strip() for line in shown(pyramid, 3).strip().splitlines()]",
            either(["*", "***", "*****"], ["*", "**", "***"], ["*", "* *", "* * *"]),
        ),
        ("len(shown(pyramid, 5).strip().splitlines())", 5),
    ],
    "times_table": [
        ("'42' in shown(times_table, 6)", True),
        ("'54' in shown(times_table, 6) or '36' in shown(times_table, 6)", True),
        ("len(shown(times_table, 6).strip().splitlines()) >= 6", True),
    ],
    "histogram": [
        (
            "[line.count('#') for line in shown(histogram, {'a': 3, 'b': 1}).strip().splitlines()]",
            [3, 1],
        ),
        ("'a' in shown(histogram, {'a': 3})", True),
    ],
    "vowel_free": [
        ("vowel_free('education')", "dctn"),
        ("vowel_free('rhythm')", "rhythm"),
        ("vowel_free('Oboe')", either("b", "Ob")),
    ],
    "double_letters": [
        ("double_letters('abc')", "aabbcc"),
        ("double_letters('')", ""),
        ("double_letters('oo')", "oooo"),
    ],
    "is_pangram": [
        ("is_pangram('The quick brown fox jumps over the lazy dog')", True),
        ("is_pangram('hello world')", False),
        ("is_pangram('abcdefghijklmnopqrstuvwxy')", False),
    ],
    "letter_positions": [
        ("list(letter_positions('banana', 'a'))", [1, 3, 5]),
        ("list(letter_positions('banana', 'x'))", []),
        ("list(letter_positions('oboe', 'o'))", [0, 2]),
    ],
    "common_prefix": [
        ("common_prefix(['flower', 'flow', 'flight'])", "fl"),
        ("common_prefix(['dog', 'car'])", ""),
        ("common_prefix(['same', 'same'])", "same"),
        ("common_prefix(['ab', 'abc', 'a'])", "a"),
    ],
    "edit_distance": [
        ("edit_distance('kitten', 'sitting')", 3),
        ("edit_distance('', 'abc')", 3),
        ("edit_distance('same', 'same')", 0),
        ("edit_distance('flaw', 'lawn')", 2),
    ],
    "longest_common_subsequence": [
        ("longest_common_subsequence('abcde', 'ace')", either("ace", list("ace"))),
        ("longest_common_subsequence('abc', 'xyz')", either("", [])),
        ("longest_common_subsequence('xaybz', 'ab')", either("ab", list("ab"))),
    ],
    "most_common_letter": [
        ("most_common_letter('banana')", either("a", ("a", 3))),
        ("most_common_letter('success')", either("s", ("s", 3))),
        ("most_common_letter('zz top')", either("z", ("z", 2))),
    ],
    "morse": [
        ("morse('SOS').replace('/', ' ').split()", ["...", "---", "..."]),
        ("morse('E').strip()", "."),
        ("morse('QY').replace('/', ' ').split()", ["--.-", "-.--"]),
    ],
    "fizz_buzz": [
        ("[line.strip() for line in shown(fizz_buzz, 5).strip().splitlines()]", ["1", "2", "Fizz", "4", "Buzz"]),
        ("[line.strip() for line in shown(fizz_buzz, 15).strip().splitlines()][-1]", "FizzBuzz"),
        ("len(shown(fizz_buzz, 9).strip().splitlines())", 9),
    ],
    "nth_line": [
        ("nth_line('lines.txt', 3).rstrip('\\n')", either("second line", "third")),
        ("nth_line('lines.txt', 1).rstrip('\\n')", either("first", "")),
    ],
    "count_lines": [("count_lines('lines.txt')", 3), ("count_lines('one.txt')", 1)],
    "group_by_first": [
        ("group_by_first(['apple', 'bee', 'ant'])", {"a": ["apple", "ant"], "b": ["bee"]}),
        ("group_by_first([])", {}),
        ("group_by_first(['sun'])", {"s": ["sun"]}),
    ],
    "sort_by_last": [
        ("list(sort_by_last(['Ada Young', 'Bo Abel', 'Cy Moss']))", ["Bo Abel", "Cy Moss", "Ada Young"]),
        ("list(sort_by_last(['Zoe Carter']))", ["Zoe Carter"]),
        ("list(sort_by_last([]))", []),
    ],
    "permutations": [
        (
            "[list(one) for one in permutations([1, 2, 3])]",
            any_order([1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]),
        ),
        ("[list(one) for one in permutations([7])]", [[7]]),
    ],
}


def _shortened(given: object, whole: str, width: int) -> bool:
    """A beginning of the text and an ellipsis, in all no longer than the width, or than the width and the ellipsis."""
    if not isinstance(given, str):
        return False
    mark = next((mark for mark in ("...", "\u2026") if given.endswith(mark)), None)
    if mark is None:
        return False
    kept = given.removesuffix(mark)
    return bool(kept) and whole.startswith(kept.rstrip()) and len(given) <= width + len(mark)


def _framed(given: object, inner: str) -> bool:
    """Three lines of one width, the middle one with the text, the outer ones alike."""
    lines = [line.strip() for line in str(given).strip().splitlines()]
    return (
        len(lines) == 3
        and len({len(line) for line in lines}) == 1
        and lines[0] == lines[2]
        and inner in lines[1]
        and len(lines[1]) > len(inner)
        and not any(letter.isalnum() for letter in lines[0])
    )
