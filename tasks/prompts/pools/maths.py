"""Word problems of one or two steps with a numeric answer that is computed, never typed.

A problem is a function of two names and three numbers (a in 2..9, b in 11..30, c in 61..99) that returns the question
and its answer. Quantities that must come out even are written as products inside the question.
"""

from collections.abc import Callable
from random import Random

from offbook.tasks.prompts.pools import Row
from offbook.tasks.prompts.pools.further import maths as further

Problem = Callable[[str, str, int, int, int], tuple[str, float]]
NAMES = (
    "Ada", "Bruno", "Chloe", "Dev", "Esther", "Felix", "Gita", "Hugo", "Ines", "Jamal", "Kira", "Leo", "Mina", "Noah",
    "Olga", "Pedro", "Ruth", "Sami", "Tara", "Vik",
)  # fmt: skip
ENDINGS = ("", " Show your working briefly.", " Think step by step.", " Give a short answer.", "")
TRAIN_DRAWS = 4

TEST: tuple[Problem, ...] = (
    lambda p, q, a, b, c: (
        f"A ferry makes {a} crossings a day and carries {b} cars each time. "
        f"How many cars does it carry in one week of seven days?",
        a * b * 7,
    ),
    lambda p, q, a, b, c: (
        f"{p} owes {q} {c} euros and has repaid {b} so far. How many euros are still owed?",
        c - b,
    ),
    lambda p, q, a, b, c: (
        f"An orchard packed {a * b} kilograms of plums into crates of {a} kilograms. How many crates were filled?",
        b,
    ),
    lambda p, q, a, b, c: (
        f"{p} knits {a} rows in the morning and twice as many in the evening. How many rows is that over {b} days?",
        3 * a * b,
    ),
    lambda p, q, a, b, c: (
        f"A cinema has {b} rows with {a} seats each, and {b + 3} seats are broken. How many people can sit down?",
        a * b - (b + 3),
    ),
    lambda p, q, a, b, c: (
        f"A pool holds {c * 10} litres and drains at 10 litres per minute. After how many minutes is it empty?",
        c,
    ),
    lambda p, q, a, b, c: (
        f"{p} is {b} years old. {q} was born {a} years earlier. What will their ages add up to next year?",
        2 * b + a + 2,
    ),
    lambda p, q, a, b, c: (
        f"One lemon costs {a * 5} cents. How many cents does {p} pay for {b} of them with a 10-cent coupon?",
        a * 5 * b - 10,
    ),
    lambda p, q, a, b, c: (
        f"A snail climbs {a + 3} metres each day and slips back {a} metres each night. "
        f"How high is it at the end of {b} full days and nights?",
        3 * b,
    ),
    lambda p, q, a, b, c: (
        f"Half of the {2 * c} lanterns at a festival are red, and {b} of the red ones are torn. "
        f"How many red lanterns are intact?",
        c - b,
    ),
    lambda p, q, a, b, c: (
        f"A choir of {a * 12} singers stands in rows of twelve. Then {a} more rows arrive. "
        f"How many rows are there now?",
        2 * a,
    ),
    lambda p, q, a, b, c: (
        f"{p}'s suitcase weighs {b} kilograms. The airline allows {b - 4} and charges {a} dollars "
        f"for every kilogram above. What is the charge in dollars?",
        4 * a,
    ),
)
TRAIN: tuple[Problem, ...] = (
    lambda p, q, a, b, c: (
        f"{p} buys {a} boxes of pencils with {b} pencils in each. How many pencils does {p} have?",
        a * b,
    ),
    lambda p, q, a, b, c: (
        f"There are {c} passengers on a bus. At the next stop {b} get off and {a} get on. How many are on the bus now?",
        c - b + a,
    ),
    lambda p, q, a, b, c: (f"{p} shares {a * b} marbles equally among {a} friends. How many does each friend get?", b),
    lambda p, q, a, b, c: (
        f"A baker makes {b} trays of {a} rolls and sells all but {a}. How many rolls were sold?",
        a * b - a,
    ),
    lambda p, q, a, b, c: (f"A train travels {c} kilometres per hour for {a} hours. How far does it go?", a * c),
    lambda p, q, a, b, c: (
        f"{p} has {c} stickers and {q} has {b} fewer. How many stickers do they have together?",
        2 * c - b,
    ),
    lambda p, q, a, b, c: (
        f"A rectangular field is {b} metres long and {a} metres wide. What is its perimeter in metres?",
        2 * (a + b),
    ),
    lambda p, q, a, b, c: (f"What is the area of a carpet that is {b} feet by {a} feet?", a * b),
    lambda p, q, a, b, c: (
        f"{p} saves {b} dollars every week. How many weeks does it take to save {a * b} dollars?",
        a,
    ),
    lambda p, q, a, b, c: (
        f"A shirt costs {c} dollars. It is reduced by {b} dollars in a sale. How much do {a} shirts cost in the sale?",
        a * (c - b),
    ),
    lambda p, q, a, b, c: (
        f"{p} read {b} pages on Monday and three times as many on Tuesday. How many pages were read in total?",
        4 * b,
    ),
    lambda p, q, a, b, c: (
        f"A farmer has {c} hens, and each lays {a} eggs a week. How many eggs are laid in two weeks?",
        2 * a * c,
    ),
    lambda p, q, a, b, c: (
        f"A recipe for {a} people needs {a * b} grams of flour. How many grams are needed for one person?",
        b,
    ),
    lambda p, q, a, b, c: (f"{p} walks {a} kilometres to work and back every day. How far in {b} days?", 2 * a * b),
    lambda p, q, a, b, c: (
        f"A library lent {c} books on Friday and {b} more than that on Saturday. How many over both days?",
        2 * c + b,
    ),
    lambda p, q, a, b, c: (
        f"{p} earns {b} dollars an hour and works {a} hours. After paying {a} dollars for lunch, how much is left?",
        a * b - a,
    ),
    lambda p, q, a, b, c: (
        f"A tank contains {c} litres of water. {p} uses {a} litres a day for five days. How many litres remain?",
        c - 5 * a,
    ),
    lambda p, q, a, b, c: (f"What is {c} plus {b}, multiplied by {a}?", (c + b) * a),
    lambda p, q, a, b, c: (f"If a dozen eggs costs {12 * a} coins, what does a single egg cost in coins?", a),
    lambda p, q, a, b, c: (
        f"{q} picked {b} apples and {p} picked {a} times as many. How many more did {p} pick than {q}?",
        (a - 1) * b,
    ),
    lambda p, q, a, b, c: (
        f"A parking garage has {a} floors with {c} spaces each. {b} spaces are taken. How many are free?",
        a * c - b,
    ),
    lambda p, q, a, b, c: (f"A ribbon of {a * b} centimetres is cut into {b} equal pieces. How long is each?", a),
    lambda p, q, a, b, c: (
        f"{p} buys a book for {b} dollars and a pen for {a} dollars, paying with a 50 dollar note. "
        f"How much change is due?",
        50 - a - b,
    ),
    lambda p, q, a, b, c: (
        f"A class of {b} students goes on a trip. Tickets cost {a} dollars each and the bus costs {c} dollars. "
        f"What is the total cost?",
        a * b + c,
    ),
    lambda p, q, a, b, c: (
        f"In a car park there are {b} cars and {a} motorbikes. How many wheels are there altogether?",
        4 * b + 2 * a,
    ),
    lambda p, q, a, b, c: (f"What is 10% of {c * 10}?", c),
    lambda p, q, a, b, c: (
        f"A jacket priced at {c * 2} dollars is sold at half price. {p} has {c + b} dollars. "
        f"How much is left after buying?",
        b,
    ),
    lambda p, q, a, b, c: (
        f"{p} types {c} words a minute. How many words are typed in {a} minutes?",
        a * c,
    ),
    lambda p, q, a, b, c: (
        f"A rope is {c} metres long. {p} cuts off {a} pieces of four metres. How much rope is left?",
        c - 4 * a,
    ),
    lambda p, q, a, b, c: (
        f"There were {c} candles on a shelf. {p} lit {b} and {q} broke {a}. How many unlit whole candles remain?",
        c - b - a,
    ),
    lambda p, q, a, b, c: (
        f"A machine fills {b} bottles per minute. How many bottles does it fill in an hour and {a} minutes?",
        b * (60 + a),
    ),
    lambda p, q, a, b, c: (
        f"{p} planted {a} rows of {b} tulips and a single row of {b + 2} roses. How many flowers are there?",
        a * b + b + 2,
    ),
    lambda p, q, a, b, c: (
        f"The temperature was {b} degrees at noon and fell {a} degrees by night. What was it at night?",
        b - a,
    ),
    lambda p, q, a, b, c: (
        f"A phone plan costs {b} dollars a month plus {a} dollars for insurance. What does it cost for a year?",
        12 * (a + b),
    ),
    lambda p, q, a, b, c: (
        f"{p} and {q} split a restaurant bill of {2 * c} dollars evenly. {p} adds a tip of {a} dollars. "
        f"How much does {p} pay?",
        c + a,
    ),
    lambda p, q, a, b, c: (
        f"A theatre sold {c} tickets on the first night and twice that on the second. How many were sold?",
        3 * c,
    ),
    lambda p, q, a, b, c: (
        f"One notebook costs {a}.50 dollars. How much do two notebooks cost in dollars?",
        2 * a + 1,
    ),
    lambda p, q, a, b, c: (f"{p} runs a lap in {c} seconds. How many seconds do {a} laps take?", a * c),
    lambda p, q, a, b, c: (
        f"A puzzle has {c * 5} pieces. {p} places {c} pieces each evening. How many evenings does it take?",
        5,
    ),
    lambda p, q, a, b, c: (
        f"If {a} workers lay {a * b} bricks in an hour, how many bricks does one worker lay in two hours?",
        2 * b,
    ),
    lambda p, q, a, b, c: (
        f"A crate holds {b} oranges. How many oranges are in {a} full crates and one half-dozen?",
        a * b + 6,
    ),
    lambda p, q, a, b, c: (
        f"{q} has {c} coins. {q} gives {a} coins to each of three cousins. How many coins does {q} keep?",
        c - 3 * a,
    ),
    lambda p, q, a, b, c: (
        f"A swimming club has {c} members; {b} are juniors and the rest are adults. How many more adults than juniors?",
        c - 2 * b,
    ),
    lambda p, q, a, b, c: (
        f"Each side of a triangle measures {b} inches. What is the distance around it, in inches?",
        3 * b,
    ),
    lambda p, q, a, b, c: (
        f"{p} drinks {a} glasses of water a day. How many glasses is that in the month of June?",
        30 * a,
    ),
)


def test_rows() -> list[Row]:
    """Return the rows of the test split."""
    return [_row(problem, Random(f"maths-test-{number}"), "") for number, problem in enumerate((*TEST, *further.TEST))]


def train_rows() -> list[Row]:
    """Return the rows of the training split."""
    rows = []
    for draw in range(TRAIN_DRAWS):
        for number, problem in enumerate(TRAIN):
            ending = ENDINGS[(draw + number) % len(ENDINGS)]
            rows.append(_row(problem, Random(f"maths-train-{draw}-{number}"), ending))
    return rows


def _row(problem: Problem, rng: Random, ending: str) -> Row:
    first, second = rng.sample(NAMES, 2)
    question, answer = problem(first, second, rng.randint(2, 9), rng.randint(11, 30), rng.randint(61, 99))
    return {"prompt": question + ending, "answer": f"{answer:g}"}
