"""A right answer to every code prompt, by the name of the function: what the hidden tests are tested with."""

import collections
import datetime
import itertools
import math
import random
import re
import string
import time
from collections import Counter, deque
from functools import reduce


def count_vowels(text):
    return sum(letter in "aeiouAEIOU" for letter in text)


def is_leap_year(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def rotate_left(items, k):
    k = k % len(items) if items else 0
    return items[k:] + items[:k]


def flatten(nested):
    return [item for part in nested for item in part]


def roman_to_int(numeral):
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    total = 0
    for here, behind in zip(numeral, [*numeral[1:], None], strict=True):
        small = behind is not None and values[here] < values[behind]
        total += -values[here] if small else values[here]
    return total


def second_largest(numbers):
    distinct = sorted(set(numbers))
    return distinct[-2] if len(distinct) > 1 else None


def merge_sorted(left, right):
    merged, left, right = [], deque(left), deque(right)
    while left and right:
        merged.append(left.popleft() if left[0] <= right[0] else right.popleft())
    return [*merged, *left, *right]


def is_balanced(text):
    stack = []
    for letter in text:
        if letter in "([":
            stack.append(letter)
        elif letter in ")]" and (not stack or stack.pop() + letter not in ("()", "[]")):
            return False
    return not stack


def run_length_encode(text):
    return [(letter, len(list(run))) for letter, run in itertools.groupby(text)]


def collatz_steps(n):
    steps = 0
    while n != 1:
        n = 3 * n + 1 if n % 2 else n // 2
        steps += 1
    return steps


def group_by_length(words):
    groups = collections.defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    return groups


def transpose(matrix):
    return [list(column) for column in zip(*matrix, strict=True)]


def add_all(numbers):
    return sum(numbers)


def reverse_words(sentence):
    return " ".join(reversed(sentence.split()))


def is_palindrome(text):
    return text.lower() == text.lower()[::-1]


def factorial(n):
    return math.prod(range(1, n + 1))


def fibonacci(n):
    numbers = [0, 1]
    while len(numbers) < n:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:n]


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def is_prime(n):
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


def unique(items):
    return list(dict.fromkeys(items))


def word_counts(text):
    return Counter(text.split())


def longest_word(sentence):
    return max(sentence.split(), key=len)


def celsius_to_fahrenheit(c):
    return c * 9 / 5 + 32


def miles_to_km(miles):
    return round(miles * 1.609344, 2)


def chunk(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def max_difference(numbers):
    return max(numbers) - min(numbers)


def capitalise_each(text):
    return " ".join(word.capitalize() for word in text.split(" "))


def remove_spaces(text):
    return "".join(text.split())


def digits_sum(n):
    return sum(map(int, str(n)))


def binary_search(items, target):
    low, high = 0, len(items) - 1
    while low <= high:
        middle = (low + high) // 2
        if items[middle] == target:
            return middle
        low, high = (middle + 1, high) if items[middle] < target else (low, middle - 1)
    return -1


def bubble_sort(items):
    for end in range(len(items), 1, -1):
        for n in range(end - 1):
            if items[n] > items[n + 1]:
                items[n], items[n + 1] = items[n + 1], items[n]


def insertion_sort(items):
    return sorted(items)


def quick_sort(items):
    if len(items) < 2:
        return list(items)
    first, *rest = items
    return [*quick_sort([x for x in rest if x < first]), first, *quick_sort([x for x in rest if x >= first])]


def common_elements(a, b):
    return [item for item in a if item in b]


def invert(mapping):
    return {value: key for key, value in mapping.items()}


def anagrams(a, b):
    return sorted(a) == sorted(b)


def median(numbers):
    numbers = sorted(numbers)
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


def mode(numbers):
    return max(set(numbers), key=numbers.count)


def variance(numbers):
    mean = sum(numbers) / len(numbers)
    return sum((x - mean) ** 2 for x in numbers) / len(numbers)


def power(base, exponent):
    return math.prod([base] * exponent)


def to_binary(n):
    digits = ""
    while n:
        digits, n = str(n % 2) + digits, n // 2
    return digits or "0"


def from_binary(bits):
    return int(bits, 2)


def multiples(n, limit):
    return list(range(n, limit + 1, n))


def fizz_buzz(n):
    return ["Fizz" * (i % 3 == 0) + "Buzz" * (i % 5 == 0) or str(i) for i in range(1, n + 1)]


def triangle_area(base, height):
    return base * height / 2


def circle_area(radius):
    if radius < 0:
        msg = "negative"
        raise ValueError(msg)
    return math.pi * radius**2


def hypotenuse(a, b):
    return math.hypot(a, b)


def distance(p, q):
    return math.dist(p, q)


def clamp(value, low, high):
    return max(low, min(value, high))


def swap_case(text):
    return text.swapcase()


def first_unique_char(text):
    return next((letter for letter in text if text.count(letter) == 1), None)


def remove_punctuation(text):
    return "".join(letter for letter in text if letter not in string.punctuation)


def acronym(phrase):
    return "".join(word[0].upper() for word in phrase.split())


def pig_latin(word):
    start = next(n for n, letter in enumerate(word) if letter in "aeiou")
    return word + "way" if start == 0 else word[start:] + word[:start] + "ay"


def zip_dict(keys, values):
    return dict(zip(keys, values, strict=True))


def nth_line(path, n):
    with open(path) as file:  # noqa: PTH123  # the sandbox has this one
        return file.readlines()[n - 1]


def count_lines(path):
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        return sum(bool(line.strip()) for line in file)


def file_extension(name):
    return name.rsplit(".", 1)[-1]


def parse_csv_line(line):
    return [field.strip() for field in line.split(",")]


def format_seconds(seconds):
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


def days_between(first, second):
    parse = datetime.date.fromisoformat
    return abs((parse(second) - parse(first)).days)


def weekday_name(date):
    return date.strftime("%A")


def age(birth_year, this_year):
    if this_year < birth_year:
        msg = "not born"
        raise ValueError(msg)
    return this_year - birth_year


def valid_email(text):
    return re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", text)


def strong_password(text):
    return len(text) >= 8 and any(map(str.isdigit, text)) and any(map(str.isupper, text))


def mask_card(number):
    return "*" * (len(number) - 4) + number[-4:]


def random_password(length):
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(length))


def roll_dice(count):
    return [random.randint(1, 6) for _ in range(count)]


def shuffle_copy(items):
    return random.sample(items, len(items))


def coin_change(amount, coins):
    fewest = [0]
    for part in range(1, amount + 1):
        fewest.append(min((fewest[part - coin] + 1 for coin in coins if coin <= part), default=math.inf))
    return fewest[amount]


def compound(principal, rate, years):
    return principal * (1 + rate) ** years


def discount(price, percent):
    return price * (1 - percent / 100)


def tip(bill, percent, people):
    return bill * (1 + percent / 100) / people


def bmi(weight_kg, height_m):
    return weight_kg / height_m**2


def grade(score):
    return next(letter for least, letter in ((90, "A"), (80, "B"), (70, "C"), (60, "D"), (0, "F")) if score >= least)


def to_seconds(hours, minutes):
    return hours * 3600 + minutes * 60


def even_numbers(numbers):
    return [n for n in numbers if n % 2 == 0]


def squares(n):
    return {i: i * i for i in range(1, n + 1)}


def cumulative(numbers):
    return list(itertools.accumulate(numbers))


def interleave(a, b):
    return [item for pair in zip(a, b, strict=True) for item in pair]


def all_equal(items):
    return all(item == items[0] for item in items)


def is_sorted(items):
    return all(a <= b for a, b in itertools.pairwise(items))


def find_missing(numbers):
    return next(n for n in range(1, len(numbers) + 2) if n not in numbers)


def two_sum(numbers, target):
    return next((i, j) for i, j in itertools.combinations(range(len(numbers)), 2) if numbers[i] + numbers[j] == target)


def longest_run(items):
    return max(len(list(run)) for _, run in itertools.groupby(items))


def max_subarray(numbers):
    best = here = numbers[0]
    for n in numbers[1:]:
        here = max(n, here + n)
        best = max(best, here)
    return best


def pascal_row(n):
    return [math.comb(n, k) for k in range(n + 1)]


def permutations(items):
    if not items:
        return [[]]
    return [[item, *rest] for n, item in enumerate(items) for rest in permutations(items[:n] + items[n + 1 :])]


def subsets(items):
    items = list(items)
    return [set(some) for size in range(len(items) + 1) for some in itertools.combinations(items, size)]


def cartesian(a, b):
    return [(x, y) for x in a for y in b]


def matrix_multiply(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


def identity(n):
    return [[int(i == j) for j in range(n)] for i in range(n)]


def diagonal_sum(matrix):
    return sum(row[n] for n, row in enumerate(matrix))


def spiral(matrix):
    walked, matrix = [], [list(row) for row in matrix]
    while matrix:
        walked += matrix.pop(0)
        matrix = [list(column) for column in zip(*matrix, strict=True)][::-1]
    return walked


def count_islands(grid):
    land = {(r, c) for r, row in enumerate(grid) for c, cell in enumerate(row) if cell}
    islands = 0
    while land:
        islands += 1
        edge = [land.pop()]
        while edge:
            r, c = edge.pop()
            near = {(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)} & land
            land -= near
            edge += near
    return islands


def depth(tree):
    return 1 + max(map(depth, tree), default=0) if isinstance(tree, tuple) else 0


def tree_sum(node):
    return 0 if node is None else node["value"] + tree_sum(node["left"]) + tree_sum(node["right"])


def reverse_linked(head):
    behind = None
    while head:
        head.next, behind, head = behind, head, head.next
    return behind


def has_cycle(graph):
    done, open_nodes = set(), set()

    def visit(node):
        if node in open_nodes:
            return True
        if node in done:
            return False
        open_nodes.add(node)
        found = any(visit(following) for following in graph[node])
        open_nodes.discard(node)
        done.add(node)
        return found

    return any(visit(node) for node in graph)


def shortest_path(graph, start, goal):
    paths, seen = deque([[start]]), {start}
    while paths:
        path = paths.popleft()
        if path[-1] == goal:
            return path
        for node in graph[path[-1]]:
            if node not in seen:
                seen.add(node)
                paths.append([*path, node])
    return None


def topological(graph):
    order = []

    def visit(node):
        if node not in order:
            for following in graph[node]:
                visit(following)
            order.append(node)

    for node in graph:
        visit(node)
    return order[::-1]


def memoize(function):
    known = {}

    def wrapper(*arguments):
        if arguments not in known:
            known[arguments] = function(*arguments)
        return known[arguments]

    return wrapper


def timer(function):
    def wrapper(*arguments):
        start = time.perf_counter()
        given = function(*arguments)
        print(f"{time.perf_counter() - start:.3f} s")
        return given

    return wrapper


def retry(function, times):
    for left in range(times, 0, -1):
        try:
            return function()
        except Exception:
            if left == 1:
                raise
            time.sleep(60)
    return None


def compose(f, g):
    return lambda x: f(g(x))


def curry_add(a):
    return lambda b: a + b


def countdown(n):
    yield from range(n, -1, -1)


def primes_below(n):
    return [k for k in range(2, n) if is_prime(k)]


def perfect_number(n):
    return n == sum(d for d in range(1, n) if n % d == 0)


def divisors(n):
    return [d for d in range(1, n + 1) if n % d == 0]


def lcm(a, b):
    return a * b // gcd(a, b)


def is_armstrong(n):
    return n == sum(int(d) ** len(str(n)) for d in str(n))


def reverse_int(n):
    return (-1 if n < 0 else 1) * int(str(abs(n))[::-1])


def int_to_words(n):
    small = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ]
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    if n < 20:
        return small[n]
    return tens[n // 10 - 2] + (f"-{small[n % 10]}" if n % 10 else "")


def ordinal(n):
    return f"{n}" + ("th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th"))


def hex_to_rgb(code):
    return tuple(int(code[n : n + 2], 16) for n in (1, 3, 5))


def rgb_to_hex(r, g, b):
    return f"#{r:02x}{g:02x}{b:02x}"


def camel_to_snake(name):
    return re.sub("([A-Z])", r"_\1", name).lower()


def snake_to_camel(name):
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def truncate(text, width):
    return text if len(text) <= width else text[: width - 3] + "..."


def center(text, width):
    return text.center(width, "*")


def box(text):
    edge = "+" + "-" * (len(text) + 2) + "+"
    return f"{edge}\n| {text} |\n{edge}"


def pyramid(n):
    for row in range(1, n + 1):
        print(" " * (n - row) + "*" * (2 * row - 1))


def times_table(n):
    for factor in range(1, 11):
        print(f"{n} x {factor} = {n * factor}")


def histogram(counts):
    for key, count in counts.items():
        print(f"{key}: {'#' * count}")


def vowel_free(text):
    return "".join(letter for letter in text if letter.lower() not in "aeiou")


def double_letters(text):
    return "".join(2 * letter for letter in text)


def is_pangram(text):
    return set(string.ascii_lowercase) <= set(text.lower())


def letter_positions(text, letter):
    return [n for n, here in enumerate(text) if here == letter]


def common_prefix(words):
    shared = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*words))  # noqa: B905
    return "".join(letters[0] for letters in shared)


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]


def longest_common_subsequence(a, b):
    if not a or not b:
        return ""
    if a[0] == b[0]:
        return a[0] + longest_common_subsequence(a[1:], b[1:])
    return max(longest_common_subsequence(a[1:], b), longest_common_subsequence(a, b[1:]), key=len)


def most_common_letter(text):
    return Counter(filter(str.isalpha, text)).most_common(1)[0][0]


def sort_by_last(names):
    return sorted(names, key=lambda name: name.split()[-1])


def sort_by_value(mapping):
    return sorted(mapping.items(), key=lambda item: -item[1])


def merge_dicts(a, b):
    return {key: a.get(key, 0) + b.get(key, 0) for key in {**a, **b}}


def deep_get(data, path):
    return reduce(lambda inner, key: inner[key], path.split("."), data)


def drop_none(mapping):
    return {key: value for key, value in mapping.items() if value is not None}


def group_by_first(words):
    return {first: [word for word in words if word[0] == first] for first in {word[0] for word in words}}


def partition(items, predicate):
    return [item for item in items if predicate(item)], [item for item in items if not predicate(item)]


def take_while(items, predicate):
    return list(itertools.takewhile(predicate, items))


def pairwise_sums(numbers):
    return [a + b for a, b in itertools.pairwise(numbers)]


def rank(scores):
    return {name: n for n, name in enumerate(sorted(scores, key=scores.get, reverse=True), 1)}


def normalise(numbers):
    low, high = min(numbers), max(numbers)
    return [(x - low) / (high - low) for x in numbers]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def mean_absolute_error(truth, guess):
    return sum(abs(t - g) for t, g in zip(truth, guess, strict=True)) / len(truth)


def weighted_mean(values, weights):
    return dot(values, weights) / sum(weights)


def outliers(numbers):
    mean = sum(numbers) / len(numbers)
    deviation = variance(numbers) ** 0.5
    return [x for x in numbers if abs(x - mean) > 2 * deviation]


def round_to(value, step):
    return round(value / step) * step


def is_power_of_two(n):
    return n > 0 and n & (n - 1) == 0


def count_bits(n):
    return n.bit_count()


def xor_all(numbers):
    return reduce(lambda a, b: a ^ b, numbers)


def swap_pairs(items):
    swapped = list(items)
    for n in range(0, len(items) - 1, 2):
        swapped[n], swapped[n + 1] = swapped[n + 1], swapped[n]
    return swapped


def every_other(items):
    return items[::2]


def last_n(items, n):
    return items[-n:]


def remove_at(items, index):
    return items[:index] + items[index + 1 :]


def insert_sorted(items, value):
    place = next((n for n, item in enumerate(items) if item > value), len(items))
    items.insert(place, value)


def count_if(items, predicate):
    return sum(1 for item in items if predicate(item))


def safe_divide(a, b):
    return a / b if b else None


def to_int(text, default):
    try:
        return int(text)
    except ValueError:
        return default


def quadratic_roots(a, b, c):
    inside = b * b - 4 * a * c
    if inside < 0:
        return ()
    return tuple({(-b + sign * math.sqrt(inside)) / (2 * a) for sign in (1, -1)})


def newton_sqrt(x):
    guess = x
    for _ in range(50):
        guess = (guess + x / guess) / 2
    return guess


def simpson(f, a, b, n):
    h = (b - a) / n
    return h / 3 * sum((1 if k in (0, n) else 4 if k % 2 else 2) * f(a + k * h) for k in range(n + 1))


def tic_tac_toe_winner(board):
    lines = [*board, *zip(*board, strict=True), [board[n][n] for n in range(3)], [board[n][2 - n] for n in range(3)]]
    return next((line[0] for line in lines if len(set(line)) == 1), None)


def rock_paper_scissors(a, b):
    if a == b:
        return "tie"
    return "a" if (a, b) in (("rock", "scissors"), ("paper", "rock"), ("scissors", "paper")) else "b"


def bowling_average(games):
    return sum(games) / len(games)


def parse_time(text):
    hours, minutes = map(int, text.split(":"))
    return 60 * hours + minutes


def add_minutes(time, minutes):
    total = (parse_time(time) + minutes) % 1440
    return f"{total // 60:02}:{total % 60:02}"


def morse(text):
    codes = [
        ".-",
        "-...",
        "-.-.",
        "-..",
        ".",
        "..-.",
        "--.",
        "....",
        "..",
        ".---",
        "-.-",
        ".-..",
        "--",
        "-.",
        "---",
        ".--.",
        "--.-",
        ".-.",
        "...",
        "-",
        "..-",
        "...-",
        ".--",
        "-..-",
        "-.--",
        "--..",
    ]
    return " ".join(codes[ord(letter) - ord("A")] for letter in text.upper())


def luhn_valid(number):
    doubled = [int(d) * (1 + n % 2) for n, d in enumerate(reversed(number))]
    return sum(d - 9 * (d > 9) for d in doubled) % 10 == 0


def isbn10_valid(code):
    return sum((10 - n) * (10 if d == "X" else int(d)) for n, d in enumerate(code)) % 11 == 0


def vending_change(paid, price):
    coins, left = [], paid - price
    for coin in (50, 20, 10, 5, 2, 1):
        coins += [coin] * (left // coin)
        left %= coin
    return coins


def inventory_total(stock):
    return sum(item["price"] * item["quantity"] for item in stock.values())


def water_bill(litres):
    return 12.5 + 0.002 * litres


def shipping_cost(weight):
    return 5 if weight <= 1 else 9 if weight <= 10 else 20


def hamming_distance(a, b):
    return sum(x != y for x, y in zip(a, b, strict=True))


def caesar_shift(text, shift):
    shifted = []
    for letter in text:
        first = "A" if letter.isupper() else "a"
        shifted.append(chr((ord(letter) - ord(first) + shift) % 26 + ord(first)) if letter.isalpha() else letter)
    return "".join(shifted)


def moving_average(numbers, window):
    return [sum(numbers[i : i + window]) / window for i in range(len(numbers) - window + 1)]


def is_triangle(a, b, c):
    return a + b > c and a + c > b and b + c > a


def digital_root(n):
    while n > 9:
        n = sum(map(int, str(n)))
    return n


def is_isogram(word):
    return len(set(word)) == len(word)


def trailing_zeros(n):
    return 0 if n < 5 else n // 5 + trailing_zeros(n // 5)


def look_and_say(term):
    return "".join(f"{len(list(run))}{digit}" for digit, run in itertools.groupby(term))


def column_sums(matrix):
    return [sum(column) for column in zip(*matrix, strict=True)]


def max_profit(prices):
    return max([0, *(later - sooner for sooner, later in itertools.combinations(prices, 2))])


def count_in_range(numbers, low, high):
    return sum(low <= number <= high for number in numbers)


def intervals_overlap(first, second):
    return first[0] <= second[1] and second[0] <= first[1]


def merge_intervals(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def climb_stairs(n):
    before, ways = 0, 1
    for _ in range(n):
        before, ways = ways, before + ways
    return ways


def missing_letters(text):
    return "".join(sorted(set(string.ascii_lowercase) - set(text.lower())))


def indent(text, spaces):
    return "\n".join(" " * spaces + line for line in text.split("\n"))


def count_substring(text, part):
    return sum(text.startswith(part, i) for i in range(len(text)))


def deep_sum(nested):
    return sum(deep_sum(item) if isinstance(item, list) else item for item in nested)


def argmax(values):
    return max(range(len(values)), key=values.__getitem__)


def only_once(items):
    return [item for item in items if items.count(item) == 1]


def quarter(month):
    return (month + 2) // 3


def clock_angle(hour, minute):
    apart = abs(30 * (hour % 12) + minute / 2 - 6 * minute)
    return min(apart, 360 - apart)


def knight_moves(column, row):
    steps = [(x, y) for x in (-2, -1, 1, 2) for y in (-2, -1, 1, 2) if abs(x) != abs(y)]
    return [(column + x, row + y) for x, y in steps if 0 <= column + x < 8 and 0 <= row + y < 8]


def to_base(n, base):
    digits = "0123456789abcdef"
    return digits[n] if n < base else to_base(n // base, base) + digits[n % base]


def evaluate_postfix(tokens):
    stack = []
    for token in tokens:
        if token in ("+", "-", "*"):
            right, left = stack.pop(), stack.pop()
            stack.append({"+": left + right, "-": left - right, "*": left * right}[token])
        else:
            stack.append(int(token))
    return stack.pop()


def plus_one(digits):
    return [int(digit) for digit in str(int("".join(map(str, digits))) + 1)]


def extract_numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


def majority(votes):
    return next((item for item in votes if 2 * votes.count(item) > len(votes)), None)
