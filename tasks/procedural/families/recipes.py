"""Kitchen sums: amounts scaled to more or fewer portions, and what is missing or left."""

TRAIN = """
soup
A soup for {b} people takes {a} potatoes. {who} cooks the same soup for {c} people.
How many potatoes does {she} need?
a 8..60 potatoes: the number of potatoes in the recipe
b 3..8 people in the recipe: the number of people in the recipe
c 3..12 guests: the number of people to feed
q = a / b potatoes: the number of potatoes a person
r = q * c potatoes: the number of potatoes needed

pancakes
One pancake needs {p} spoons of flour. {who} wants to make {n} pancakes but has only {h} spoons of flour.
How many spoons of flour are missing?
p 3..9 spoons a pancake: the flour for a pancake
n 5..12 pancakes: the number of pancakes
h 8..40 spoons in stock: the flour in stock
k = p * n spoons: the flour needed
r = k - h spoons: the flour missing

lemonade
{who} squeezed {a} lemons for {b} jugs of lemonade. For the school fair {she} plans {c} jugs.
How many lemons does that take?
a 8..60 lemons: the number of lemons squeezed
b 2..6 jugs at home: the number of jugs at home
c 4..12 jugs at the fair: the number of jugs at the fair
q = a / b lemons: the number of lemons a jug
r = q * c lemons: the number of lemons for the fair

muffins
{who} puts {p} berries into each muffin and bakes {n} muffins. After that {h} berries are left in the bowl.
How many berries were in the bowl at first?
p 3..9 berries a muffin: the number of berries in a muffin
n 6..12 muffins: the number of muffins
h 5..40 berries left: the number of berries left in the bowl
k = p * n berries: the number of berries used
t = k + h berries: the number of berries at first

sauce
A cook has {a} tomatoes and sets {b} of them aside for salad. The others become sauce, {c} tomatoes per glass.
How many glasses of sauce does the cook get?
a 25..99 tomatoes: the number of tomatoes
b 4..20 tomatoes for salad: the number of tomatoes for salad
c 4..9 tomatoes a glass: the number of tomatoes for a glass
k = a - b tomatoes: the number of tomatoes for sauce
g = k / c glasses: the number of glasses

sandwiches
The kitchen prepares {n} plates with {p} sandwiches on each. So far {h} sandwiches are done.
How many sandwiches are still to be made?
n 4..12 plates: the number of plates
p 4..10 sandwiches a plate: the number of sandwiches on a plate
h 8..35 sandwiches done: the number of sandwiches done
k = n * p sandwiches: the number of sandwiches in all
r = k - h sandwiches: the number of sandwiches still to make

rice
To serve {b} people, {who} boils {a} spoons of rice. On Sunday {c} people come to dinner.
How many spoons of rice should {she} boil on Sunday?
a 8..50 spoons: the usual amount of rice
b 2..7 people: the usual number of people
c 4..12 people on Sunday: the number of people on Sunday
q = a / b spoons: the rice for a person
r = q * c spoons: the rice for Sunday

dough
A baker kneads {n} lumps of dough with {p} raisins in every lump. The bag still contains {h} raisins afterwards.
With how many raisins did the baker begin?
n 4..10 lumps: the number of lumps
p 7..12 raisins a lump: the number of raisins in a lump
h 6..45 raisins in the bag: the number of raisins still in the bag
k = n * p raisins: the number of raisins in the dough
t = k + h raisins: the number of raisins at the beginning

skewers
{who} buys {a} mushrooms and throws {b} bad ones away. {She} threads {c} mushrooms on each skewer.
How many skewers can {she} grill?
a 25..90 mushrooms: the number of mushrooms bought
b 3..12 bad mushrooms: the number of bad mushrooms
c 4..8 mushrooms a skewer: the number of mushrooms on a skewer
k = a - b mushrooms: the number of good mushrooms
g = k / c skewers: the number of skewers

cakes
One cake needs {p} eggs. How many eggs do {n} cakes need?
p 2..9 eggs a cake: the number of eggs in a cake
n 2..9 cakes: the number of cakes
k = p * n eggs: the number of all eggs

slices
Each pizza has {p} slices. How many slices do {n} pizzas have?
p 3..10 slices a pizza: the number of slices of a pizza
n 2..9 pizzas: the number of pizzas
k = p * n slices: the number of all slices

cherries
{who} puts {a} cherries on {c} pies, the same number on each pie. How many cherries are on one pie?
a 6..50 cherries: the number of cherries
c 2..9 pies: the number of pies
q = a / c cherries: the number of cherries on a pie

teapot
A teapot fills {p} cups. How many cups do {n} teapots fill?
p 2..9 cups a teapot: the number of cups of a teapot
n 2..9 teapots: the number of teapots
k = p * n cups: the number of all cups

toast
{who} needs {p} slices of cheese for one toast. How many toasts can {she} make with {a} slices?
p 2..9 slices a toast: the number of slices for a toast
a 6..50 slices: the number of slices
g = a / p toasts: the number of toasts

omelette
{who} has {a} eggs and uses {b} eggs for an omelette. How many eggs are left?
a 10..20 eggs: the number of eggs at first
b 3..9 eggs used: the number of eggs used
r = a - b eggs: the number of eggs left
"""

DEV = """
smoothie
{who} blends {a} strawberries into {b} smoothies. Today {c} smoothies are ordered, all with the same taste.
How many strawberries go into today's order?
a 12..60 strawberries: the number of strawberries of the first time
b 2..6 smoothies: the number of smoothies of the first time
c 4..12 smoothies ordered: the number of smoothies ordered
q = a / b strawberries: the number of strawberries in a smoothie
r = q * c strawberries: the number of strawberries for the order

dumplings
A restaurant serves dumplings by the dish, {p} to a dish. The evening brings {n} orders, but the freezer has no more
than {h} dumplings. How many dumplings must be rolled fresh?
p 5..10 dumplings a dish: the number of dumplings in a dish
n 5..12 dishes: the number of dishes ordered
h 10..40 dumplings in the freezer: the number of dumplings in the freezer
k = p * n dumplings: the number of dumplings ordered
r = k - h dumplings: the number of dumplings to roll fresh

jam
From {a} plums, {who} keeps {b} for a cake. Every jar of jam swallows {c} of the rest.
How many jars does {she} close?
a 35..99 plums: the number of plums
b 5..20 plums for the cake: the number of plums for the cake
c 6..11 plums a jar: the number of plums for a jar
k = a - b plums: the number of plums for jam
g = k / c jars: the number of jars

salads
If one salad needs {p} tomatoes, how many tomatoes do {n} salads need?
p 2..10 tomatoes a salad: the number of tomatoes in a salad
n 2..6 salads: the number of salads
k = p * n tomatoes: the number of all tomatoes

layers
A cake has {n} layers with {p} cherries in each layer. What is the total number of cherries?
n 2..6 layers: the number of layers
p 2..10 cherries a layer: the number of cherries in a layer
k = n * p cherries: the number of cherries in the cake

breakfasts
{who} cooks {p} eggs a day for {n} days. How many eggs does {who} cook?
p 2..10 eggs a day: the number of eggs a day
n 2..6 days: the number of days
k = p * n eggs: the number of all eggs
"""

TEST = """
punch
The punch at the last party contained {a} slices of orange and filled {b} bowls. This year's party calls for {c}
bowls just like those. How many slices of orange have to be cut?
a 14..70 slices last time: the number of slices of last time
b 2..7 bowls last time: the number of bowls of last time
c 4..12 bowls this year: the number of bowls of this year
q = a / b slices: the number of slices in a bowl
r = q * c slices: the number of slices to cut

pizza
Each pizza gets {p} olives. There are {n} pizzas in the oven, and {h} olives are floating in the jar even now.
How many olives did the jar contain before the baking?
p 4..10 olives a pizza: the number of olives on a pizza
n 4..11 pizzas: the number of pizzas
h 6..40 olives in the jar: the number of olives in the jar now
k = p * n olives: the number of olives on all pizzas
t = k + h olives: the number of olives before the baking

breakfast
A hostel boils eggs for breakfast: {p} eggs for each of its {n} tables. {h} eggs are in the pot at the moment.
How many eggs have yet to go into the pot?
p 4..9 eggs a table: the number of eggs for a table
n 6..12 tables: the number of tables
h 8..30 eggs in the pot: the number of eggs in the pot
k = p * n eggs: the number of eggs for breakfast
r = k - h eggs: the number of eggs yet to boil

stews
If one stew needs {p} carrots, how many carrots do {n} stews need?
p 2..10 carrots a stew: the number of carrots in a stew
n 2..6 stews: the number of stews
k = p * n carrots: the number of all carrots

flan
A flan has {n} circles with {p} berries in each circle. What is the total number of berries?
n 2..6 circles: the number of circles
p 2..10 berries a circle: the number of berries in a circle
k = n * p berries: the number of berries on the flan

buns
{who} bakes {p} buns a day for {n} days. How many buns does {who} bake?
p 2..10 buns a day: the number of buns a day
n 2..6 days: the number of days
k = p * n buns: the number of all buns
"""
