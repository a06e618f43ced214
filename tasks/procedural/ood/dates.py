"""Days counted on and back, on the calendar and through the week; no month ends on the way."""

from random import Random

from offbook.tasks.procedural.ood.question import Draft

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
FIRST, LAST = 4, 19  # days of a month on which a count begins; what it leads to, and three more, lie in the month too


def parcel(rng: Random, days: int) -> Draft:
    """Weekdays forwards."""
    today, n = rng.randrange(7), rng.randint(2, days)
    text = f"Today is {WEEKDAYS[today]}. A parcel will arrive in {n} days. On which day of the week does it arrive?"
    return _weekday(text, today + n)


def concert(rng: Random, days: int) -> Draft:
    """Dates forwards."""
    day, month, n = rng.randint(FIRST, LAST), rng.choice(MONTHS), rng.randint(2, days)
    return _date(f"A concert planned for {day} {month} is put off by {n} days. What is its new date?", day + n, month)


def yesterday(rng: Random, days: int) -> Draft:
    """Dates forwards, from the day after the one that is named."""
    day, month, n = rng.randint(FIRST, LAST), rng.choice(MONTHS), rng.randint(2, days)
    return _date(f"Yesterday was {day} {month}. Which date is it {n} days from today?", day + 1 + n, month)


def weekday_before(rng: Random, days: int) -> Draft:
    """Weekdays backwards."""
    now, n = rng.randrange(7), rng.randint(2, days)
    return _weekday(f"If it is {WEEKDAYS[now]} now, which weekday was it {n} days ago?", now - n)


def loan(rng: Random, days: int) -> Draft:
    """Dates forwards, in another story."""
    day, month, n = rng.randint(FIRST, LAST), rng.choice(MONTHS), rng.randint(2, days)
    return _date(f"A book lent on {day} {month} came back {n} days later. When did it come back?", day + n, month)


TEST = (parcel, concert, yesterday)
DEV = (weekday_before, loan)


def _weekday(text: str, day: int) -> Draft:
    near = tuple(WEEKDAYS[(day + off) % 7] for off in range(-3, 4))
    return Draft(text=text, candidates=near, answer=WEEKDAYS[day % 7])


def _date(text: str, day: int, month: str) -> Draft:
    near = tuple(f"{day + off} {month}" for off in range(-3, 4))
    return Draft(text=text, candidates=near, answer=f"{day} {month}")
