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
badges
{who} has {a} badges. {other} has {k} times as many and {d} more. How many badges does {other} have?
a 2..9 badges: the number of badges of {who}
k 2..5 times as many: the factor
d 2..9 badges more: the lead of {other}
b = a * k badges: the number of badges before the lead
t = b + d badges: the number of badges of {other}

donkey
A cat is {a} years old. A parrot is {k} times as old, and a donkey is {d} years younger than the parrot.
How old is the donkey?
a 3..9 years of age: the age of the cat
k 2..5 times as old: the factor
d 2..9 years younger: the gap between parrot and donkey
u = a * k years: the age of the parrot
r = u - d years: the age of the donkey

diver
{who} finds {a} shells and {other} finds {d} shells more. A diver finds {k} times what {other} finds.
How many shells does the diver find?
a 2..7 shells: the number of shells of {who}
d 2..5 more shells: the lead of {other}
k 2..5 times as many: the factor
b = a + d shells: the number of shells of {other}
t = b * k shells: the number of shells of the diver

shed
A shed is {a} feet long. A barn is {k} times that length plus {d} feet. How many feet long is the barn?
a 3..9 feet: the length of the shed
k 2..5 times that length: the factor
d 2..9 feet more: the rest of the length
b = a * k feet: the length without the rest
t = b + d feet: the length of the barn

sand
A bag of corn weighs {a} pounds. A bag of sand weighs {k} times as much, less {d} pounds.
How many pounds is the bag of sand?
a 3..9 pounds: the weight of the corn
k 2..5 times as much: the factor
d 2..9 pounds less: the reduction
u = a * k pounds: the weight before the reduction
r = u - d pounds: the weight of the sand

chest
A red box has {a} nails, a blue box {d} nails more. The chest has {k} times the nails of the blue box.
How many nails are in the chest?
a 2..7 nails: the number of nails in the red box
d 2..5 nails more: the lead of the blue box
k 2..5 times the nails: the factor
b = a + d nails: the number of nails in the blue box
t = b * k nails: the number of nails in the chest

stamps
{who} has {k} times as many stamps as {other}, who has {a} stamps. How many stamps does {who} have?
k 2..9 times as many: the factor
a 2..10 stamps: the number of stamps of {other}
b = k * a stamps: the number of stamps of {who}

prices
If a book costs {a} dollars, how much does a lamp cost at {k} times the price?
a 2..10 dollars for the book: the price of the book
k 2..9 times the price: the factor
b = a * k dollars: the price of the lamp

tower
A tree is {a} feet tall and a tower is {d} feet taller. How tall is the tower?
a 5..20 feet: the height of the tree
d 2..9 feet taller: the gap between tree and tower
t = a + d feet: the height of the tower

jump
{who} jumped {a} inches. {other} jumped {d} inches less. How many inches did {other} jump?
a 11..20 inches: the jump of {who}
d 3..9 inches less: the gap between the jumps
r = a - d inches: the jump of {other}

rat
A mouse eats {a} grams. A rat eats {k} times that amount. How many grams does the rat eat?
a 2..12 grams: the food of the mouse
k 2..9 times that amount: the factor
b = a * k grams: the food of the rat

older
{who} is {a} years old and {other} is {d} years older. How old is {other}?
a 5..20 years of age: the age of {who}
d 2..9 years older: the gap in age
t = a + d years: the age of {other}
"""

TEST = """
reader
{who} read {a} books. {other} read {k} times that number and {d} further books. How many books did {other} read?
a 2..9 books: the number of books of {who}
k 2..5 times that number: the factor
d 2..9 further books: the lead of {other}
b = a * k books: the number of books before the lead
t = b + d books: the number of books of {other}

beech
A pear tree is {a} years old. An oak has {k} times its age. A beech is {d} years younger than the oak.
How many years old is the beech?
a 3..9 years of age: the age of the pear tree
k 2..5 times its age: the factor
d 2..9 years younger: the gap between oak and beech
u = a * k years: the age of the oak
r = u - d years: the age of the beech

tickets
{other} sold {a} tickets. {who} sold {d} tickets more, and the school sold {k} times as much as {who}.
How many tickets did the school sell?
a 2..7 tickets: the number of tickets of {other}
d 2..5 tickets more: the lead of {who}
k 2..5 times as much: the factor
b = a + d tickets: the number of tickets of {who}
t = b * k tickets: the number of tickets of the school

lake
A pond is {a} metres wide. A lake is {k} times as wide as the pond, plus {d} metres.
How wide is the lake, in metres?
a 3..9 metres: the width of the pond
k 2..5 times as wide: the factor
d 2..9 metres more: the rest of the width
b = a * k metres: the width without the rest
t = b + d metres: the width of the lake

lamb
A kitten weighs {a} pounds. A lamb has {k} times its weight minus {d} pounds. What does the lamb weigh, in pounds?
a 3..9 pounds: the weight of the kitten
k 2..5 times its weight: the factor
d 2..9 pounds off: the reduction
u = a * k pounds: the weight before the reduction
r = u - d pounds: the weight of the lamb

beans
One jar holds {a} beans. A second jar holds {d} beans more, and a sack {k} times the second jar.
How many beans does the sack hold?
a 2..7 beans: the number of beans in the first jar
d 2..5 beans more: the lead of the second jar
k 2..5 times the second jar: the factor
b = a + d beans: the number of beans in the second jar
t = b * k beans: the number of beans in the sack

medals
{who} has {k} times as many medals as {other}, who has {a} medals. How many medals does {who} have?
k 2..9 times as many: the factor
a 2..10 medals: the number of medals of {other}
b = k * a medals: the number of medals of {who}

clocks
If a plant costs {a} dollars, how much does a clock cost at {k} times its price?
a 2..10 dollars for the plant: the price of the plant
k 2..9 times its price: the factor
b = a * k dollars: the price of the clock

hill
A house is {a} metres high and a hill is {d} metres higher. How high is the hill?
a 5..20 metres: the height of the house
d 2..9 metres higher: the gap between house and hill
t = a + d metres: the height of the hill

seal
A shark is {a} feet long and a seal is {d} feet shorter. How long is the seal?
a 11..20 feet: the length of the shark
d 3..9 feet shorter: the gap between shark and seal
r = a - d feet: the length of the seal

mushrooms
{who} found {a} mushrooms and {other} found {k} times as many. How many mushrooms did {other} find?
a 2..12 mushrooms: the number of mushrooms of {who}
k 2..9 times as many: the factor
b = a * k mushrooms: the number of mushrooms of {other}

sofa
A sofa costs {a} dollars and a bed costs {d} dollars more. How many dollars is the bed?
a 5..20 dollars for the sofa: the price of the sofa
d 2..9 dollars more: the gap in price
t = a + d dollars: the price of the bed
"""
