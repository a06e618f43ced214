"""Ages, heights and collections compared: so many times, so much more, so much less."""

TRAIN = """
ages
{who} is {a} years old. {Her} uncle is {k} times as old as {she} is, and {her} aunt is {d} years younger than the uncle.
How old is the aunt?
a 5..12 years of age: the age of {who}
k 3..6 times as old: the factor
d 3..12 years younger: the gap between uncle and aunt
u = a * k years: the age of the uncle
r = u - d years: the age of the aunt

cards
{who} owns {a} cards. {other} owns {d} cards more, and their teacher has {k} times as many as {other}.
How many cards does the teacher have?
a 3..9 cards: the number of cards of {who}
d 2..6 more cards: the number of extra cards of {other}
k 3..9 times as many: the factor
b = a + d cards: the number of cards of {other}
t = b * k cards: the number of cards of the teacher

towers
{who} builds a tower of {a} blocks. {other} builds one that is {k} times as high and then puts {d} more blocks on top.
How many blocks are in the second tower?
a 4..12 blocks: the number of blocks of the first tower
k 3..9 times as high: the factor
d 3..20 blocks on top: the number of blocks on top
b = a * k blocks: the number of blocks below the top
t = b + d blocks: the number of blocks of the second tower

points
In the first game {who} scored {a} points, in the second {d} points fewer. In the third {she} scored {k} times as many
as in the second. How many points were that in the third game?
a 8..20 points: the score of the first game
d 3..10 points fewer: the drop in points
k 3..9 times as many: the factor
b = a - d points: the score of the second game
t = b * k points: the score of the third game

ropes
A red rope is {a} metres long. A green rope is {k} times as long as the red one. A white rope is {d} metres shorter
than the green one. How many metres long is the white rope?
a 4..12 metres: the length of the red rope
k 3..9 times as long: the factor
d 4..20 metres shorter: the gap between green and white
u = a * k metres: the length of the green rope
r = u - d metres: the length of the white rope

fishing
{who} caught {a} fish this morning and {other} caught {d} more than that. The professional at the pier pulled out {k}
times the catch of {other}. How many fish did the professional catch?
a 2..8 fish: the catch of {who}
d 2..5 more fish: the number of extra fish of {other}
k 3..9 times the catch: the factor
b = a + d fish: the catch of {other}
t = b * k fish: the catch of the professional

weights
A puppy weighs {a} kilograms. Its mother weighs {k} times as much, and its father is {d} kilograms heavier than the
mother. What is the weight of the father in kilograms?
a 3..9 kilograms: the weight of the puppy
k 3..7 times as much: the factor
d 3..15 kilograms heavier: the gap between the parents
b = a * k kilograms: the weight of the mother
t = b + d kilograms: the weight of the father

rooms
The blue house has {a} windows. The yellow house next to it has {d} windows fewer, and the hotel has {k} times as many
windows as the yellow house. How many windows does the hotel have?
a 9..20 windows: the number of windows of the blue house
d 3..10 windows less: the difference in windows
k 3..9 times as many: the factor
b = a - d windows: the number of windows of the yellow house
t = b * k windows: the number of windows of the hotel

coins
{who} found {a} coins. {other} found {k} times as many coins but lost {d} of them again.
How many coins does {other} have now?
a 3..12 coins: the number of coins of {who}
k 3..8 times as many: the factor
d 2..15 coins lost: the number of coins lost
u = a * k coins: the number of coins that {other} found
r = u - d coins: the number of coins that {other} has now
"""

DEV = """
trees
The cherry tree in the yard is {a} feet tall, and the pine is {k} times that height. The church tower rises {d} feet
above the pine. How tall is the church tower, in feet?
a 6..12 feet: the height of the cherry tree
k 3..8 times that height: the factor
d 6..30 feet above the pine: the lead of the tower
b = a * k feet: the height of the pine
t = b + d feet: the height of the church tower

messages
{other} sent {a} messages on Friday; {who} sent {d} messages fewer. The number on Saturday, from {who} alone, was {k}
times {her} number on Friday. How many messages did {who} send on Saturday?
a 8..20 messages: the number of messages of {other}
d 3..9 messages fewer: the gap on Friday
k 3..9 times that number: the factor
b = a - d messages: the number of messages of {who} on Friday
t = b * k messages: the number of messages of {who} on Saturday

rain
It rained {a} millimetres in May. June brought {k} times as much rain, while July stayed {d} millimetres under June.
How many millimetres fell in July?
a 5..12 millimetres: the rain of May
k 3..9 times as much rain: the factor
d 5..20 millimetres under June: the gap between June and July
u = a * k millimetres: the rain of June
r = u - d millimetres: the rain of July
"""

TEST = """
puzzles
A beginner's puzzle consists of {a} pieces. An expert's puzzle multiplies this by {k}, and the children's version of
the latter leaves out {d} pieces. How many pieces does the children's version have?
a 7..12 pieces: the number of pieces of the beginner's puzzle
k 3..9 times the pieces: the factor
d 5..20 pieces left out: the number of pieces left out
u = a * k pieces: the number of pieces of the expert's puzzle
r = u - d pieces: the number of pieces of the children's version

sheep
On the hill farm live {a} sheep. The farm in the valley keeps {d} more sheep than the hill farm, and the big estate
keeps {k} times as many sheep as the valley. What is the number of sheep on the estate?
a 3..8 sheep: the number of sheep on the hill
d 2..6 more sheep: the lead of the valley
k 3..9 times as many: the factor
b = a + d sheep: the number of sheep in the valley
t = b * k sheep: the number of sheep on the estate

violin
{who} practised the violin for {a} minutes on Monday. On Tuesday it was {k} times as long, and on Wednesday {she} went
{d} minutes beyond Tuesday. How many minutes did {she} practise on Wednesday?
a 6..12 minutes: the number of minutes of Monday
k 3..8 times as long: the factor
d 5..30 minutes beyond Tuesday: the number of extra minutes of Wednesday
b = a * k minutes: the number of minutes of Tuesday
t = b + d minutes: the number of minutes of Wednesday
"""
