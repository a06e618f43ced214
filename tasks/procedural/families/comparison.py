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

dolls
{who} has {a} dolls. {other} has {k} times as many dolls. How many dolls does {other} have?
a 2..9 dolls: the number of dolls of {who}
k 2..9 times as many: the factor
b = a * k dolls: the number of dolls of {other}

mother
{who} is {a} years old. {Her} mother is {k} times as old. How old is {her} mother?
a 5..12 years of age: the age of {who}
k 2..8 times as old: the factor
b = a * k years: the age of the mother

goat
A dog weighs {a} pounds. A goat weighs {k} times as much. How many pounds does the goat weigh?
a 4..10 pounds: the weight of the dog
k 2..9 times as much: the factor
b = a * k pounds: the weight of the goat

bush
A tree is {a} feet tall. A bush is {d} feet shorter. How many feet tall is the bush?
a 10..20 feet: the height of the tree
d 3..9 feet shorter: the gap between tree and bush
r = a - d feet: the height of the bush

goals
{who} scored {a} goals. {other} scored {d} goals fewer. How many goals did {other} score?
a 10..20 goals: the number of goals of {who}
d 3..9 goals fewer: the gap in goals
r = a - d goals: the number of goals of {other}

bridge
A short bridge is {a} metres long. A long bridge is {k} times as long. How many metres is the long bridge?
a 3..10 metres: the length of the short bridge
k 2..9 times as long: the factor
b = a * k metres: the length of the long bridge
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

stamps
{who} has {k} times as many stamps as {other}, who has {a} stamps. How many stamps does {who} have?
k 2..6 times as many: the factor
a 2..10 stamps: the number of stamps of {other}
b = k * a stamps: the number of stamps of {who}

prices
If a book costs {a} dollars, how much does a lamp cost at {k} times the price?
a 2..10 dollars for the book: the price of the book
k 2..6 times the price: the factor
b = a * k dollars: the price of the lamp

tower
A tree is {a} feet tall and a tower is {d} feet taller. How tall is the tower?
a 5..20 feet: the height of the tree
d 2..9 feet taller: the gap between tree and tower
t = a + d feet: the height of the tower
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

medals
{who} has {k} times as many medals as {other}, who has {a} medals. How many medals does {who} have?
k 2..6 times as many: the factor
a 2..10 medals: the number of medals of {other}
b = k * a medals: the number of medals of {who}

clocks
If a plant costs {a} dollars, how much does a clock cost at {k} times its price?
a 2..10 dollars for the plant: the price of the plant
k 2..6 times its price: the factor
b = a * k dollars: the price of the clock

hill
A house is {a} metres high and a hill is {d} metres higher. How high is the hill?
a 5..20 metres: the height of the house
d 2..9 metres higher: the gap between house and hill
t = a + d metres: the height of the hill
"""
