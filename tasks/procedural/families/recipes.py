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
waffles
One waffle needs {p} eggs. {who} makes {n} waffles and has {h} eggs. How many eggs are missing?
p 3..9 eggs a waffle: the number of eggs in a waffle
n 2..6 waffles: the number of waffles
h 2..9 eggs at home: the number of eggs at home
k = p * n eggs: the number of eggs needed
r = k - h eggs: the number of missing eggs

pies
{who} puts {p} plums on each of {n} pies and eats {h} plums. How many plums were there?
p 2..9 plums a pie: the number of plums on a pie
n 2..6 pies: the number of pies
h 2..15 plums eaten: the number of plums eaten
k = p * n plums: the number of plums on all pies
t = k + h plums: the number of plums at first

rolls
A cook plans {n} trays with {p} rolls each. {h} rolls are baked. How many rolls are not baked yet?
n 2..6 trays: the number of trays
p 3..9 rolls a tray: the number of rolls on a tray
h 2..9 rolls baked: the number of rolls baked
k = n * p rolls: the number of all rolls
r = k - h rolls: the number of rolls that are not baked

burgers
Each burger gets {p} slices of onion. {n} burgers are made, and {h} slices are left. How many slices were cut?
p 2..9 slices a burger: the number of slices on a burger
n 2..6 burgers: the number of burgers
h 2..15 slices left: the number of slices left
k = p * n slices: the number of slices on all burgers
t = k + h slices: the number of slices cut

tea
{n} guests drink {p} cups of tea each. {h} cups are poured already. How many cups must still be poured?
n 2..6 guests: the number of guests
p 3..9 cups a guest: the number of cups for a guest
h 2..9 cups poured: the number of cups poured
k = n * p cups: the number of cups for all guests
r = k - h cups: the number of cups still to pour

kebabs
{who} sticks {p} peppers on each of {n} forks. {h} peppers stay in the bowl. How many peppers did {she} have?
p 2..9 peppers a fork: the number of peppers on a fork
n 2..6 forks: the number of forks
h 2..15 peppers in the bowl: the number of peppers in the bowl
k = p * n peppers: the number of peppers on all forks
t = k + h peppers: the number of all peppers

salads
If one salad needs {p} tomatoes, how many tomatoes do {n} salads need?
p 2..10 tomatoes a salad: the number of tomatoes in a salad
n 2..9 salads: the number of salads
k = p * n tomatoes: the number of all tomatoes

layers
A cake has {n} layers with {p} cherries in each layer. What is the total number of cherries?
n 2..9 layers: the number of layers
p 2..10 cherries a layer: the number of cherries in a layer
k = n * p cherries: the number of cherries in the cake

breakfasts
{who} cooked {k} eggs on {n} days, equally many a day. How many eggs were cooked each day?
k 6..50 eggs: the number of all eggs
n 2..9 days: the number of days
p = k / n eggs: the number of eggs a day

onions
{who} had {a} onions and fried {b} onions. How many onions does {who} have left?
a 11..20 onions: the number of onions at first
b 3..9 onions fried: the number of onions fried
r = a - b onions: the number of onions left

raisins
{a} raisins go into {c} buns, the same number in each. How many raisins are in a bun?
a 6..50 raisins: the number of raisins
c 2..9 buns: the number of buns
q = a / c raisins: the number of raisins in a bun

jugs
A jug fills {p} glasses. How many glasses do {n} jugs fill?
p 2..9 glasses a jug: the number of glasses of a jug
n 2..12 jugs: the number of jugs
k = p * n glasses: the number of all glasses
"""

TEST = """
pie
A pie takes {p} apples. {who} bakes {n} pies but has just {h} apples. How many apples does {she} have to buy?
p 3..9 apples a pie: the number of apples in a pie
n 2..6 pies: the number of pies
h 2..9 apples in stock: the number of apples in stock
k = p * n apples: the number of apples needed
r = k - h apples: the number of apples to buy

bread
Every loaf gets {p} walnuts. After {n} loaves, {h} walnuts remain. How many walnuts were in the bag?
p 2..9 walnuts a loaf: the number of walnuts in a loaf
n 2..6 loaves: the number of loaves
h 2..15 walnuts left: the number of walnuts left
k = p * n walnuts: the number of walnuts in the bread
t = k + h walnuts: the number of walnuts in the bag

snacks
{n} dishes with {p} snacks each are ordered. {h} snacks are ready. How many snacks are still to do?
n 2..6 dishes: the number of dishes
p 3..9 snacks a dish: the number of snacks on a dish
h 2..9 snacks ready: the number of snacks ready
k = n * p snacks: the number of snacks ordered
r = k - h snacks: the number of snacks still to do

radishes
{who} cuts {p} radishes for each of {n} bowls and keeps {h} radishes. How many radishes were there at first?
p 2..9 radishes a bowl: the number of radishes in a bowl
n 2..6 bowls: the number of bowls
h 2..15 radishes kept: the number of radishes kept
k = p * n radishes: the number of radishes in all bowls
t = k + h radishes: the number of radishes at first

biscuits
{n} children get {p} biscuits each. The tin holds {h} biscuits. How many biscuits are lacking?
n 2..6 children: the number of children
p 3..9 biscuits a child: the number of biscuits for a child
h 2..9 biscuits in the tin: the number of biscuits in the tin
k = n * p biscuits: the number of biscuits for all children
r = k - h biscuits: the number of biscuits that are lacking

jam
{n} jars of jam need {p} peaches each, and a cake needs {h} peaches. How many peaches are needed?
n 2..6 jars: the number of jars
p 2..9 peaches a jar: the number of peaches in a jar
h 2..15 peaches for the cake: the number of peaches for the cake
k = n * p peaches: the number of peaches in all jars
t = k + h peaches: the number of peaches needed

stews
If one stew needs {p} carrots, how many carrots do {n} stews need?
p 2..10 carrots a stew: the number of carrots in a stew
n 2..9 stews: the number of stews
k = p * n carrots: the number of all carrots

flan
A flan has {n} circles with {p} berries in each circle. What is the total number of berries?
n 2..9 circles: the number of circles
p 2..10 berries a circle: the number of berries in a circle
k = n * p berries: the number of berries on the flan

buns
{who} bakes {k} buns in {n} days, as many every day. How many buns is that a day?
k 6..50 buns: the number of all buns
n 2..9 days: the number of days
p = k / n buns: the number of buns a day

grapes
A bowl held {a} grapes before {who} ate {b} of them. How many grapes does it hold now?
a 11..20 grapes: the number of grapes at first
b 3..9 grapes eaten: the number of grapes eaten
r = a - b grapes: the number of grapes in the bowl

ham
{who} lays {a} slices of ham on {c} plates evenly. How many slices lie on each plate?
a 6..50 slices: the number of slices
c 2..9 plates: the number of plates
q = a / c slices: the number of slices on a plate

cucumber
Every sandwich has {p} cucumber slices. How many cucumber slices do {n} sandwiches have?
p 3..9 slices a sandwich: the number of slices on a sandwich
n 2..12 sandwiches: the number of sandwiches
k = p * n slices: the number of all slices
"""
