"""The functions of the training prompts for everyday things: dates, money, passwords, games.

Much is left open by their questions (whose fee, which coins), so most are held to what must be true of any answer.
"""

from typing import Any

from offbook.tasks.prompts.hidden_tests.matching import Case, either, near, raises

CASES: dict[str, list[Case]] = {
    "format_seconds": [
        ("[int(n) for n in re.findall('[0-9]+', str(format_seconds(3661)))]", [1, 1, 1]),
        ("[int(n) for n in re.findall('[0-9]+', str(format_seconds(7325)))]", [2, 2, 5]),
        ("[int(n) for n in re.findall('[0-9]+', str(format_seconds(36125)))]", [10, 2, 5]),
    ],
    "days_between": [
        ("days_between('2024-01-01', '2024-03-01')", 60),
        ("days_between('2023-12-31', '2024-01-01')", 1),
        ("days_between('2024-05-05', '2024-05-05')", 0),
    ],
    "weekday_name": [
        ("weekday_name(datetime.date(2024, 1, 1))", "Monday"),
        ("weekday_name(datetime.date(2024, 2, 29))", "Thursday"),
        ("weekday_name(datetime.date(2023, 12, 31))", "Sunday"),
    ],
    "age": [("age(1990, 2020)", 30), ("age(2020, 2020)", 0), ("age(2025, 2020)", raises("ValueError"))],
    "valid_email": [
        ("bool(valid_email('ada.young@example.com'))", True),
        ("bool(valid_email('not an address'))", False),
        ("bool(valid_email('ada.example.com'))", False),
        ("bool(valid_email('@example.com'))", False),
    ],
    "strong_password": [
        ("bool(strong_password('Secret123'))", True),
        ("bool(strong_password('Sh0rt'))", False),
        ("bool(strong_password('lower1case'))", False),
        ("bool(strong_password('NoDigitsHere'))", False),
    ],
    "mask_card": [
        (f"mask_card({card!r})", lambda given, card=card: _masked(given, card))
        for card in ("1234567812345678", "9999888877776666")
    ],
    "random_password": [
        ("random_password(12)", lambda given: isinstance(given, str) and len(given) == 12 and given.isalnum()),
        ("len(random_password(1))", 1),
        ("random_password(40) != random_password(40)", True),
    ],
    "roll_dice": [
        ("[roll_dice(5) for _ in range(20)]", lambda given: all(_rolled(one, 5) for one in given)),
        ("len({str(roll_dice(30)) for _ in range(20)}) > 1", True),
    ],
    "compound": [  # the amount or the interest, at a rate of 5 % given as a share or in percent
        ("compound(1000, 0.05, 2)", either(*(near(value, 0.01) for value in (1102.5, 102.5, 1001.0, 1.0)))),
        ("compound(1000, 0, 3)", either(1000, 0)),
        ("compound(200, 0.5, 1) - compound(200, 0, 1)", either(near(100, 0.01), near(1, 0.01))),
    ],
    "discount": [("discount(200, 25)", 150), ("discount(80, 50)", 40), ("discount(99, 0)", 99)],
    "tip": [("tip(100, 20, 4)", near(30, 0.01)), ("tip(50, 10, 1)", near(55, 0.01)), ("tip(90, 0, 3)", near(30, 0.01))],
    "bmi": [("bmi(70, 1.75)", near(22.857, 0.06)), ("bmi(50, 1)", near(50, 0.06)), ("bmi(80, 2)", near(20, 0.06))],
    "grade": [
        ("grade(95)[0]", "A"),
        ("grade(84)[0]", "B"),
        ("grade(20)[0]", either("F", "E")),
        ("grade(100)[0] == grade(97)[0]", True),
    ],
    "to_seconds": [("to_seconds(1, 30)", 5400), ("to_seconds(0, 0)", 0), ("to_seconds(2, 5)", 7500)],
    "to_int": [("to_int('12', 0)", 12), ("to_int('twelve', 5)", 5), ("to_int('', -1)", -1), ("to_int('-3', 0)", -3)],
    "rock_paper_scissors": [
        (
            "[str(rock_paper_scissors(*pair)).lower() for pair in (('rock', 'scissors'), ('paper', 'rock'), "
            "('scissors', 'paper'), ('scissors', 'rock'), ('rock', 'paper'), ('paper', 'scissors'), ('rock', 'rock'))]",
            lambda given: _decided(given),
        ),
    ],
    "parse_time": [("parse_time('14:35')", 875), ("parse_time('00:00')", 0), ("parse_time('23:59')", 1439)],
    "add_minutes": [
        ("add_minutes('14:35', 30)", "15:05"),
        ("add_minutes('23:50', 20)", either("00:10", "0:10")),
        ("add_minutes('10:00', 75)", "11:15"),
    ],
    "luhn_valid": [
        ("luhn_valid('79927398713')", True),
        ("luhn_valid('79927398710')", False),
        ("luhn_valid('4111111111111111')", True),
        ("luhn_valid('4111111111111112')", False),
    ],
    "isbn10_valid": [
        ("isbn10_valid('0306406152')", True),
        ("isbn10_valid('0306406153')", False),
        ("isbn10_valid('080442957X')", True),
    ],
    "vending_change": [
        ("vending_change(100, 65)", lambda given: _worth(given) in (35, 3500)),
        ("vending_change(100, 100)", lambda given: not given or _worth(given) == 0),
        ("vending_change(10, 3)", lambda given: _worth(given) in (7, 700)),
    ],
    "inventory_total": [
        (
            "each(lambda: inventory_total({'pen': (2, 10), 'ink': (5, 3)}), "
            "lambda: inventory_total([(2, 10), (5, 3)]), lambda: inventory_total([('pen', 2, 10), ('ink', 5, 3)]), "
            "*(lambda q=q: inventory_total({'pen': {'price': 2, q: 10}, 'ink': {'price': 5, q: 3}}) "
            "for q in ('quantity', 'qty', 'amount', 'count')), "
            "*(lambda q=q: inventory_total([{'price': 2, q: 10}, {'price': 5, q: 3}]) "
            "for q in ('quantity', 'qty', 'amount', 'count')))",
            lambda given: 35 in given,
        )
    ],
    "water_bill": [("[water_bill(litres) for litres in (0, 100, 200)]", lambda given: _fee_and_rate(*given))],
    "shipping_cost": [
        (
            "[shipping_cost(weight) for weight in (0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 500, 1000, 5000)]",
            lambda given: sorted(given) == given and len(set(given)) == 3,
        )
    ],
}

_COINS = {"dollar": 100, "half": 50, "quarter": 25, "dime": 10, "nickel": 5, "penn": 1, "cent": 1}


def _masked(given: Any, card: str) -> bool:
    return isinstance(given, str) and given.endswith(card[-4:]) and sum(map(str.isdigit, given)) == 4 < len(given)


def _rolled(given: Any, dice: int) -> bool:
    if type(given) is int:
        return dice <= given <= 6 * dice
    return len(given) == dice and all(type(one) is int and 1 <= one <= 6 for one in given)


def _decided(given: list[str]) -> bool:
    first, second, tie = given[:3], given[3:6], given[6]
    names_players = len(set(first)) == 1 and len(set(second)) == 1 and first[0] != second[0]
    kinds = ("rock", "paper", "scissors")
    names_hands = all(hand in one for hand, one in zip(kinds, first, strict=True)) and all(
        hand in one for hand, one in zip(kinds, second, strict=True)
    )
    return tie not in first + second and (names_players or names_hands)


def _worth(given: Any) -> float:
    """The sum of coins, listed, or counted by value or by name."""
    if isinstance(given, dict):
        return float(sum(_coin(coin) * count for coin, count in given.items()))
    return float(sum(one[0] * one[1] if isinstance(one, list | tuple) else one for one in given))


def _coin(coin: Any) -> float:
    if not isinstance(coin, str):
        return float(coin)
    return next(value for name, value in _COINS.items() if name in coin.lower())


def _fee_and_rate(nothing: float, hundred: float, twice: float) -> bool:
    return nothing > 0 and hundred > nothing and abs((twice - hundred) - (hundred - nothing)) < 1e-6
