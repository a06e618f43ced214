"""The functions of the training prompts that take or return functions."""

from offbook.tasks.prompts.hidden_tests.matching import Case, either, sequence

CASES: dict[str, list[Case]] = {
    "memoize": [
        (
            "(lambda seen: (lambda f: [f(3), f(3), f(4), len(seen)])(memoize(lambda x: seen.append(x) or 2 * x)))([])",
            [6, 6, 8, 2],
        ),
        ("memoize(lambda x: x + 1)(1)", 2),
    ],
    "timer": [("timer(lambda x: x + 1)(4)", 5), ("shown(timer(str), 7) != '7'", True)],
    "retry": [
        ("retried(retry, Flaky(2), 5)", "done"),
        ("retried(retry, Flaky(0), 1)", "done"),
        ("(lambda f: (each(lambda: retried(retry, f, 3)), f.calls)[1])(Flaky(100))", either(3, 4)),
    ],
    "compose": [
        ("compose(lambda x: x + 1, lambda x: 2 * x)(5)", 11),
        ("compose(str, abs)(-3)", "3"),
    ],
    "curry_add": [("curry_add(3)(4)", 7), ("curry_add(-1)(1)", 0), ("curry_add(2.5)(1)", 3.5)],
    "countdown": [
        ("list(countdown(3))", [3, 2, 1, 0]),
        ("list(countdown(0))", [0]),
        ("next(countdown(5))", 5),
    ],
    "partition": [
        ("[list(part) for part in partition([1, 2, 3, 4], lambda n: n % 2 == 0)]", [[2, 4], [1, 3]]),
        ("partition([], bool)", sequence([], [])),
        ("[list(part) for part in partition(['a', ''], bool)]", [["a"], [""]]),
    ],
    "take_while": [
        ("list(take_while([1, 2, 5, 1], lambda n: n < 3))", [1, 2]),
        ("list(take_while([9], lambda n: n < 3))", []),
        ("list(take_while([], bool))", []),
    ],
    "count_if": [
        ("count_if([1, 2, 3, 4], lambda n: n > 2)", 2),
        ("count_if([], bool)", 0),
        ("count_if(['a', '', 'b'], bool)", 2),
    ],
}
