"""The functions of the training prompts that compute with numbers."""

from offbook.tasks.prompts.hidden_tests.matching import Case, any_order, either, near, raises, sequence

CASES: dict[str, list[Case]] = {
    "add_all": [("add_all([1, 2, 3])", 6), ("add_all([])", 0), ("add_all([-2, 2.5])", 0.5)],
    "factorial": [("factorial(0)", 1), ("factorial(1)", 1), ("factorial(5)", 120), ("factorial(10)", 3628800)],
    "fibonacci": [
        (
            "fibonacci(7)",
            either(sequence(0, 1, 1, 2, 3, 5, 8), sequence(1, 1, 2, 3, 5, 8, 13)),
        ),
        ("list(fibonacci(1))", either([0], [1])),
        ("len(fibonacci(10))", 10),
    ],
    "gcd": [("gcd(12, 18)", 6), ("gcd(7, 13)", 1), ("gcd(100, 75)", 25), ("gcd(9, 0)", 9)],
    "is_prime": [
        ("is_prime(2)", True),
        ("is_prime(17)", True),
        ("is_prime(1)", False),
        ("is_prime(0)", False),
        ("is_prime(9)", False),
        ("is_prime(91)", False),
        ("is_prime(97)", True),
    ],
    "celsius_to_fahrenheit": [
        ("celsius_to_fahrenheit(0)", 32),
        ("celsius_to_fahrenheit(100)", 212),
        ("celsius_to_fahrenheit(-40)", -40),
        ("celsius_to_fahrenheit(37)", 98.6),
    ],
    "miles_to_km": [
        ("miles_to_km(1)", 1.61),
        ("miles_to_km(0)", 0),
        ("miles_to_km(10)", 16.09),
        ("miles_to_km(26.2)", near(42.16, 0.011)),
    ],
    "digits_sum": [("digits_sum(0)", 0), ("digits_sum(1234)", 10), ("digits_sum(9090)", 18), ("digits_sum(7)", 7)],
    "median": [
        ("median([3, 1, 2])", 2),
        ("median([4, 1, 3, 2])", 2.5),
        ("median([7])", 7),
        ("median([10, 1, 5, 5, 9])", 5),
    ],
    "mode": [
        ("mode([1, 2, 2, 3])", either(2, [2])),
        ("mode([5])", either(5, [5])),
        ("mode([4, 1, 4, 1, 4])", either(4, [4])),
    ],
    "variance": [
        ("variance([1, 2, 3, 4])", 1.25),
        ("variance([5, 5, 5])", 0),
        ("variance([2, 4, 4, 4, 5, 5, 7, 9])", 4),
    ],
    "power": [("power(2, 10)", 1024), ("power(5, 0)", 1), ("power(-3, 3)", -27), ("power(0, 4)", 0)],
    "to_binary": [
        ("to_binary(5)", either("101", 101)),
        ("to_binary(8)", either("1000", 1000)),
        ("to_binary(1)", either("1", 1)),
        ("to_binary(37)", either("100101", 100101)),
    ],
    "from_binary": [("from_binary('101')", 5), ("from_binary('0')", 0), ("from_binary('100101')", 37)],
    "multiples": [
        ("list(multiples(3, 10))", either([3, 6, 9], [0, 3, 6, 9])),
        ("list(multiples(5, 20))", either([5, 10, 15, 20], [0, 5, 10, 15, 20])),
    ],
    "triangle_area": [("triangle_area(4, 3)", 6), ("triangle_area(5, 5)", 12.5), ("triangle_area(0, 9)", 0)],
    "circle_area": [
        ("circle_area(1)", near(3.14159, 0.002)),
        ("circle_area(2)", near(12.56637, 0.01)),
        ("circle_area(0)", 0),
        ("circle_area(-1)", lambda given: given is None or isinstance(given, str) or raises("Exception")(given)),
    ],
    "hypotenuse": [("hypotenuse(3, 4)", 5), ("hypotenuse(5, 12)", 13), ("hypotenuse(1, 1)", near(1.41421356, 1e-4))],
    "distance": [
        ("distance((0, 0), (3, 4))", 5),
        ("distance((1, 1), (1, 1))", 0),
        ("distance((-1, 2), (2, -2))", 5),
    ],
    "clamp": [
        ("clamp(5, 1, 10)", 5),
        ("clamp(-3, 0, 10)", 0),
        ("clamp(42, 0, 10)", 10),
        ("clamp(10, 0, 10)", 10),
    ],
    "coin_change": [
        ("coin_change(11, [1, 2, 5])", 3),
        ("coin_change(0, [1])", 0),
        ("coin_change(6, [1, 3, 4])", 2),
        ("coin_change(3, [1])", 3),
    ],
    "primes_below": [
        ("list(primes_below(10))", [2, 3, 5, 7]),
        ("list(primes_below(2))", []),
        ("list(primes_below(30))", [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]),
        ("list(primes_below(11))", [2, 3, 5, 7]),
    ],
    "perfect_number": [
        ("perfect_number(6)", True),
        ("perfect_number(28)", True),
        ("perfect_number(12)", False),
        ("perfect_number(1)", False),
        ("perfect_number(496)", True),
    ],
    "divisors": [
        ("divisors(12)", any_order(1, 2, 3, 4, 6, 12)),
        ("divisors(1)", any_order(1)),
        ("divisors(13)", any_order(1, 13)),
        ("divisors(36)", any_order(1, 2, 3, 4, 6, 9, 12, 18, 36)),
    ],
    "lcm": [("lcm(4, 6)", 12), ("lcm(3, 7)", 21), ("lcm(5, 5)", 5), ("lcm(21, 6)", 42)],
    "is_armstrong": [
        ("is_armstrong(153)", True),
        ("is_armstrong(9474)", True),
        ("is_armstrong(154)", False),
        ("is_armstrong(5)", True),
        ("is_armstrong(10)", False),
    ],
    "reverse_int": [
        ("reverse_int(123)", 321),
        ("reverse_int(-456)", -654),
        ("reverse_int(120)", 21),
        ("reverse_int(0)", 0),
    ],
    "dot": [("dot([1, 2, 3], [4, 5, 6])", 32), ("dot([0], [9])", 0), ("dot([1, -1], [2, 2])", 0)],
    "mean_absolute_error": [
        ("mean_absolute_error([1, 2, 3], [1, 2, 3])", 0),
        ("mean_absolute_error([1, 2], [3, 1])", 1.5),
        ("mean_absolute_error([10], [4])", 6),
    ],
    "weighted_mean": [
        ("weighted_mean([1, 3], [1, 1])", 2),
        ("weighted_mean([10, 20], [3, 1])", 12.5),
        ("weighted_mean([5], [7])", 5),
    ],
    "outliers": [
        ("list(outliers([10, 10, 11, 9, 10, 10, 10, 9, 11, 90]))", [90]),
        ("list(outliers([1, 2, 3, 4]))", []),
    ],
    "round_to": [
        ("round_to(13, 5)", 15),
        ("round_to(12, 5)", 10),
        ("round_to(0.37, 0.1)", 0.4),
        ("round_to(-7, 4)", -8),
    ],
    "is_power_of_two": [
        ("is_power_of_two(1)", True),
        ("is_power_of_two(64)", True),
        ("is_power_of_two(0)", False),
        ("is_power_of_two(12)", False),
        ("is_power_of_two(1023)", False),
    ],
    "count_bits": [("count_bits(0)", 0), ("count_bits(7)", 3), ("count_bits(8)", 1), ("count_bits(255)", 8)],
    "xor_all": [("xor_all([1, 2, 3])", 0), ("xor_all([5])", 5), ("xor_all([4, 1, 2, 1, 2])", 4)],
    "safe_divide": [("safe_divide(6, 3)", 2), ("safe_divide(1, 0)", None), ("safe_divide(7, 2)", 3.5)],
    "quadratic_roots": [
        ("quadratic_roots(1, -3, 2)", any_order(1, 2)),
        ("quadratic_roots(1, 0, -9)", any_order(3, -3)),
        ("quadratic_roots(2, 4, 2)", either(any_order(-1), any_order(-1, -1), -1)),
        (
            "quadratic_roots(1, 0, 1)",
            lambda given: (
                given in ([], (), None, (None, None)) or isinstance(given, str) or raises("ValueError")(given)
            ),
        ),
    ],
    "newton_sqrt": [
        ("newton_sqrt(9)", near(3, 1e-3)),
        ("newton_sqrt(2)", near(1.41421356, 1e-3)),
        ("newton_sqrt(100)", near(10, 1e-3)),
        ("newton_sqrt(0.25)", near(0.5, 1e-3)),
    ],
    "simpson": [
        ("simpson(lambda x: x * x, 0, 3, 6)", near(9, 1e-6)),
        ("simpson(lambda x: 2 * x + 1, 1, 4, 2)", near(18, 1e-6)),
        ("simpson(lambda x: x ** 3, 0, 2, 10)", near(4, 1e-6)),
    ],
    "max_difference": [
        ("max_difference([3, 9, 1])", 8),
        ("max_difference([5])", 0),
        ("max_difference([-4, -1])", 3),
    ],
}
