"""Stories of `development.py`, by family: two of two steps and two of one, in the form of `template.py`."""

STORIES = {
    "shopping": """
umbrellas
{who} chooses {n} umbrellas priced at {p} dollars apiece. A gift card of {m} dollars covers part of the bill.
How many dollars must {she} add to it?
n 6..12 umbrellas: the number of umbrellas
p 7..12 dollars an umbrella: the price of an umbrella
m 10..35 dollars on the card: the value of the card
c = n * p dollars: the cost of the umbrellas
r = c - m dollars: the money to add

skates
Renting skates costs {p} dollars a pair, and entry to the rink is {s} dollars for the whole group.
What will {n} pairs together with the entry cost, in dollars?
p 3..9 dollars a pair: the rent of a pair
s 20..50 dollars of entry: the entry to the rink
n 3..10 pairs: the number of pairs
b = n * p dollars: the rent of all pairs
t = b + s dollars: the cost of rent and entry

apricots
A kilogram of apricots is sold for {p} dollars. What must {who} hand over for {n} kilograms, in dollars?
p 2..10 dollars a kilogram: the price of a kilogram
n 2..6 kilograms: the weight of the apricots
c = p * n dollars: the cost of the apricots

voucher
On a voucher for {m} dollars, {who} picks a scarf worth {s} dollars. How many dollars stay on it?
m 12..30 dollars on the voucher: the value of the voucher
s 3..9 dollars for the scarf: the price of the scarf
r = m - s dollars: the rest of the voucher
""",
    "sharing": """
rabbits
A rabbit keeper finds {a} carrots in the shed and buys {b} more. Every rabbit is given {c} carrots.
For how many rabbits is that enough?
a 15..60 carrots in the shed: the number of carrots in the shed
b 10..50 carrots bought: the number of carrots bought
c 4..10 carrots a rabbit: the number of carrots for a rabbit
t = a + b carrots: the number of all carrots
e = t / c rabbits: the number of rabbits

stacks
The hall staff bring {n} stacks of chairs, {p} chairs high, and {g} chairs turn out to be broken.
On how many chairs can guests sit?
n 4..12 stacks: the number of stacks
p 5..11 chairs a stack: the number of chairs in a stack
g 5..20 broken chairs: the number of broken chairs
t = n * p chairs: the number of chairs in the hall
r = t - g chairs: the number of whole chairs

tables
A teacher deals out {a} pencils to {c} tables so that no table has more than another. How many pencils lie on one table?
a 6..40 pencils: the number of pencils
c 2..6 tables: the number of tables
e = a / c pencils: the number of pencils on a table

rowers
On each of {n} boats sit {p} rowers. How many rowers are on the water?
n 2..6 boats: the number of boats
p 2..10 rowers a boat: the number of rowers in a boat
t = n * p rowers: the number of all rowers
""",
    "travel": """
lake
The trail around the lake measures {d} kilometres. {who} hikes at {v} kilometres an hour and rests after {t} hours.
What distance lies before {him} then, in kilometres?
d 40..90 kilometres of trail: the length of the trail
v 3..9 kilometres an hour: the pace
t 3..9 hours: the hiking time
w = v * t kilometres: the distance hiked
r = d - w kilometres: the distance before the hiker

bus
The counter of a bus shows {m} miles in the morning. Each of its {t} rounds takes the bus {v} miles.
What does the counter show in the evening, in miles?
m 10..40 miles in the morning: the count of the morning
t 3..9 rounds: the number of rounds
v 5..12 miles a round: the length of a round
w = t * v miles: the distance of all rounds
d = m + w miles: the count of the evening

tram
A tram covers {v} kilometres in one hour. What distance does it cover in {t} hours, in kilometres?
v 2..10 kilometres an hour: the speed of the tram
t 2..6 hours: the time of the tram
d = v * t kilometres: the distance covered

canoe
In a canoe, {who} paddles {d} miles over {t} days, equally far every day. How many miles is that per day?
d 6..50 miles: the distance paddled
t 2..9 days: the number of days
v = d / t miles: the distance of a day
""",
    "saving": """
roof
For a new roof a club collects {a} dollars a month and has done so for {w} months. Then the town gives {s} dollars.
How many dollars are there for the roof?
a 5..12 dollars a month: the monthly sum
w 3..12 months: the number of months
s 20..60 dollars from the town: the gift of the town
g = a * w dollars: the sum collected
t = g + s dollars: the money for the roof

fridge
A fridge is priced at {g} dollars. {who} pays {s} dollars at the till and what is missing in parts of {a} dollars.
How many parts are there?
g 60..150 dollars for the fridge: the price of the fridge
s 12..50 dollars at the till: the money paid at the till
a 6..12 dollars a part: the size of a part
k = g - s dollars: the money that is missing
m = k / a parts: the number of parts

stall
A stall takes in {p} dollars an hour. What sum does it take in over {n} hours, in dollars?
p 2..10 dollars an hour: the takings of an hour
n 2..6 hours: the number of hours
t = p * n dollars: the takings of the day

friend
{who} lends a friend {e} of the {s} dollars in {her} purse. What amount does {she} keep, in dollars?
e 3..9 dollars lent: the money lent
s 10..25 dollars in the purse: the money in the purse
r = s - e dollars: the money kept
""",
    "recipes": """
pasta
For {b} guests a cook weighs {a} handfuls of pasta. Tonight {c} guests are hungry, each as much as ever.
How many handfuls of pasta are weighed tonight?
b 2..6 guests: the number of guests of the first time
a 10..50 handfuls: the number of handfuls of the first time
c 4..12 guests tonight: the number of guests tonight
q = a / b handfuls: the number of handfuls for a guest
r = q * c handfuls: the number of handfuls for tonight

grill
{who} cuts {a} peppers, keeps {b} raw for a dip and grills the others on sticks, {c} peppers to a stick.
How many sticks lie on the grill?
a 30..90 peppers: the number of peppers
b 4..15 raw peppers: the number of raw peppers
c 4..9 peppers a stick: the number of peppers on a stick
k = a - b peppers: the number of peppers to grill
g = k / c sticks: the number of sticks

tarts
Every tart is covered with {p} figs. How many figs cover {n} tarts?
p 2..10 figs a tart: the number of figs on a tart
n 2..6 tarts: the number of tarts
k = p * n figs: the number of all figs

flour
A tin holds {a} cups of flour, and {who} takes out {b} cups for a loaf. How many cups does the tin hold now?
a 10..30 cups: the number of cups in the tin
b 2..9 cups for a loaf: the number of cups for a loaf
r = a - b cups: the number of cups in the tin now
""",
    "comparison": """
snow
In January {a} centimetres of snow lay on the hut. By February it was {k} times that depth, and then {d} centimetres
melted. How deep was the snow after that, in centimetres?
a 5..12 centimetres: the depth in January
k 3..8 times that depth: the factor
d 6..20 centimetres melted: the depth that melted
b = a * k centimetres: the depth in February
r = b - d centimetres: the depth after that

goats
{other} keeps {a} goats. {who} keeps {d} goats fewer, and the monastery keeps {k} times what {who} keeps.
How many goats belong to the monastery?
a 9..20 goats: the number of goats of {other}
d 3..6 goats fewer: the gap to {other}
k 3..8 times as many: the factor
b = a - d goats: the number of goats of {who}
t = b * k goats: the number of goats of the monastery

ropes
A blue rope is {a} metres long, a green one {k} times that length. How many metres does the green one measure?
a 2..10 metres: the length of the blue rope
k 2..6 times that length: the factor
b = a * k metres: the length of the green rope

desk
A stool reaches up {a} inches and a desk {d} inches further. How many inches does the desk reach up?
a 5..20 inches: the height of the stool
d 2..9 inches further: the gap between stool and desk
t = a + d inches: the height of the desk
""",
    "reading": """
labels
{who} has {g} seed bags to label and manages {a} in every break. After {w} breaks, how many are without a label?
g 80..140 bags: the number of bags
a 4..10 bags a break: the number of bags in a break
w 4..10 breaks: the number of breaks
k = a * w bags: the number of bags with a label
r = g - k bags: the number of bags without a label

films
A film club has shown {s} films. It plans {a} films for each of the coming {w} seasons.
How many films will it have shown by the end of them?
s 12..60 films: the number of films so far
a 5..12 films a season: the number of films in a season
w 3..9 seasons: the number of seasons
n = a * w films: the number of films planned
t = s + n films: the number of films by then

album
An album shows {p} pictures a page. How many pictures are on {n} pages?
p 2..10 pictures a page: the number of pictures on a page
n 2..6 pages: the number of pages
t = p * n pictures: the number of pictures on the pages

essays
Within {w} days {who} corrects {g} essays, as many on one day as on another. How many essays is that a day?
w 2..9 days: the number of days
g 6..50 essays: the number of essays
a = g / w essays: the number of essays a day
""",
}
