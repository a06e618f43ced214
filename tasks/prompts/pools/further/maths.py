"""Word problems, each another story; see `pools.maths` for the numbers that they take."""

from collections.abc import Callable

TEST: tuple[Callable[[str, str, int, int, int], tuple[str, float]], ...] = (
    lambda p, q, a, b, c: (
        f"A lift starts on floor {b}, goes down {a} floors and then climbs {a + 3}. On which floor does it stop?",
        b + 3,
    ),
    lambda p, q, a, b, c: (
        f"{p} glues {b} photographs into an album, {a} of them on the cover. The others fill pages of one picture. "
        f"How many pages are used?",
        b - a,
    ),
    lambda p, q, a, b, c: (
        f"A spider has eight legs and a beetle six. How many legs do {a} spiders and {b} beetles have in all?",
        8 * a + 6 * b,
    ),
    lambda p, q, a, b, c: (
        f"Water in a lock rises {a} centimetres every minute. By how many centimetres does it rise in a quarter of an "
        f"hour?",
        15 * a,
    ),
    lambda p, q, a, b, c: (
        f"Of {c} letters in a sack, {b} go abroad and {2 * a} are for the mayor. How many are left for the others?",
        c - b - 2 * a,
    ),
    lambda p, q, a, b, c: (
        f"{q} cycles {b} kilometres out and takes a detour of {a} kilometres on the way back. How long is the tour?",
        2 * b + a,
    ),
    lambda p, q, a, b, c: (
        f"Three sisters inherit {3 * c} acres and divide them fairly. One sells {b} acres. How many does she keep?",
        c - b,
    ),
    lambda p, q, a, b, c: (
        f"A printer needs {a} seconds a sheet. How many seconds pass until {b} sheets and a title page are done?",
        a * (b + 1),
    ),
    lambda p, q, a, b, c: (
        f"The sum of two numbers is {b + c}. One of them is {b}. What is the larger number?",
        c,
    ),
    lambda p, q, a, b, c: (
        f"An aquarium holds {c} fish. Every fish eats {a} pellets a day. How many pellets do they eat in two days?",
        2 * a * c,
    ),
    lambda p, q, a, b, c: (
        f"{p} lays square tiles, {a} along one edge of a floor and {b} along the other. Two tiles are left over. "
        f"How many tiles were bought?",
        a * b + 2,
    ),
    lambda p, q, a, b, c: (
        f"A candle of {b} centimetres burns down by one centimetre every {a} minutes. How many minutes does it last?",
        a * b,
    ),
    lambda p, q, a, b, c: (
        f"In a quiz a right answer earns {a} points and a wrong one loses a point. {p} has {b} right and {a} wrong. "
        f"What is the final score?",
        a * b - a,
    ),
    lambda p, q, a, b, c: (
        f"The mean of three weights is {b} grams. Two of them weigh {b + a} and {b - a} grams. What does the third "
        f"weigh?",
        b,
    ),
    lambda p, q, a, b, c: (
        f"A clock strikes once at one, twice at two, and so on. How often does it strike from one up to {a} o'clock?",
        a * (a + 1) // 2,
    ),
    lambda p, q, a, b, c: (
        f"{q} swaps {b} old coins for new ones. Every old coin is worth {a} new coins, and the changer keeps five. "
        f"How many new coins does {q} receive?",
        a * b - 5,
    ),
    lambda p, q, a, b, c: (
        f"What number do you get if you double {c} and then take away {b}?",
        2 * c - b,
    ),
    lambda p, q, a, b, c: (
        f"A hall is lit by {b} chandeliers of {a} bulbs. Someone unscrews one bulb from every chandelier. "
        f"How many bulbs still shine?",
        b * (a - 1),
    ),
    lambda p, q, a, b, c: (
        f"Sugar costs {a} coins a bag, tea {b} coins a tin. What do three bags and two tins cost together?",
        3 * a + 2 * b,
    ),
    lambda p, q, a, b, c: (
        f"The hike to the hut climbs {c * 10} metres. A cable car covers all but {b * 10} of them. "
        f"How many metres does the cable car climb?",
        (c - b) * 10,
    ),
    lambda p, q, a, b, c: (
        f"{p} is four times as old as the family dog, which is {a} years old. How old was {p} when the dog was born?",
        3 * a,
    ),
    lambda p, q, a, b, c: (
        f"A fence has a post every two metres, with one at both ends. How many posts does a fence of {2 * b} metres "
        f"have?",
        b + 1,
    ),
    lambda p, q, a, b, c: (
        f"From a barrel of {c * 2} litres, a quarter leaks away on Monday and a quarter of the full barrel on Tuesday. "
        f"How many litres stay?",
        c,
    ),
    lambda p, q, a, b, c: (
        f"Twins get the same pocket money. Together they received {2 * a * b} pounds over {b} weeks. "
        f"How many pounds does one twin get in a week?",
        a,
    ),
    lambda p, q, a, b, c: (
        f"A film lasts {c + 60} minutes and is interrupted by {a} breaks of two minutes. "
        f"How many minutes does the whole evening take?",
        c + 60 + 2 * a,
    ),
    lambda p, q, a, b, c: (
        f"A cube has edges of {a} inches. What is its volume in cubic inches?",
        a**3,
    ),
    lambda p, q, a, b, c: (
        f"{b} guests shake hands with the host, and each of them also with the cook. How many handshakes is that?",
        2 * b,
    ),
    lambda p, q, a, b, c: (
        f"Every ticket in a raffle costs two pounds. {c} are sold, and the prizes cost {b} pounds. What is the profit?",
        2 * c - b,
    ),
)
