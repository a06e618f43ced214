"""Buying several things of one price, with change, extras, vouchers and budgets."""

TRAIN = """
notebooks
{who} buys {n} notebooks at {p} dollars each and hands over {m} dollars.
How many dollars does {she} get back?
n 3..9 notebooks: the number of notebooks
p 3..9 dollars a notebook: the price of a notebook
m 40|50|60|80|100 dollars handed over: the money handed over
c = n * p dollars: the cost of the notebooks
r = m - c dollars: the change

bakery
A loaf of bread costs {p} dollars. {who} takes {n} loaves and a cake for {s} dollars.
What does {she} pay in total, in dollars?
n 3..9 loaves: the number of loaves
p 3..8 dollars a loaf: the price of a loaf
s 10..30 dollars for the cake: the price of the cake
b = n * p dollars: the cost of the bread
t = b + s dollars: the total to pay

roses
{who} has {m} dollars for the garden. {She} first buys a spade for {s} dollars, and the rest goes on roses
that cost {p} dollars a piece. How many roses can {she} buy?
m 40..120 dollars for the garden: the money for the garden
s 10..30 dollars for the spade: the price of the spade
p 4..12 dollars a rose: the price of a rose
k = m - s dollars: the money left for roses
r = k / p roses: the number of roses

socks
A shop sells socks for {p} dollars a pair. {who} chooses {n} pairs and has a voucher that takes {v} dollars
off the bill. How many dollars does {she} still have to pay?
n 3..12 pairs: the number of pairs
p 4..9 dollars a pair: the price of a pair
v 5..20 dollars off: the value of the voucher
b = n * p dollars: the bill before the voucher
r = b - v dollars: the amount still to pay

apples
At the market {who} fills {n} bags with apples. Every bag costs {p} dollars, and {she} came with {m} dollars
in {her} purse. How much money is left in the purse?
n 3..8 bags: the number of bags
p 3..9 dollars a bag: the price of a bag
m 60..120 dollars in the purse: the money in the purse
c = n * p dollars: the cost of the apples
r = m - c dollars: the money left in the purse

paint
To paint the kitchen {who} needs {n} tins of paint. One tin is {p} dollars, and the brushes come to {s} dollars
together. How many dollars does the job cost?
n 3..9 tins: the number of tins
p 5..12 dollars a tin: the price of a tin
s 8..25 dollars for brushes: the price of the brushes
b = n * p dollars: the cost of the paint
t = b + s dollars: the cost of the job

stamps
{who} goes to the post office with {m} dollars. After paying {s} dollars to send a parcel, {she} spends all
that remains on sheets of stamps at {p} dollars per sheet. How many sheets does {she} get?
m 30..99 dollars to begin with: the money at the start
s 6..20 dollars for the parcel: the cost of the parcel
p 5..12 dollars a sheet: the price of a sheet
k = m - s dollars: the money left for stamps
r = k / p sheets: the number of sheets

towels
Bath towels are on sale for {p} dollars. The hotel orders {n} of them and gets a discount of {v} dollars on the
whole order. How many dollars does the hotel pay?
n 4..12 towels: the number of towels
p 6..12 dollars a towel: the price of a towel
v 8..30 dollars of discount: the discount
b = n * p dollars: the price of the order
r = b - v dollars: the amount the hotel pays

lunch
{who} treats {her} friends to lunch. There are {n} plates of pasta for {p} dollars each on the bill, and drinks
for {s} dollars. What is the whole bill, in dollars?
n 3..8 plates: the number of plates
p 6..12 dollars a plate: the price of a plate
s 8..28 dollars for drinks: the price of the drinks
b = n * p dollars: the cost of the pasta
t = b + s dollars: the whole bill

balloons
{who} buys {n} balloons for {p} dollars each. How many dollars does {she} pay?
n 2..9 balloons: the number of balloons
p 2..9 dollars a balloon: the price of a balloon
c = n * p dollars: the cost of the balloons

cinema
A cinema ticket costs {p} dollars. What do {n} tickets cost, in dollars?
p 3..10 dollars a ticket: the price of a ticket
n 2..9 tickets: the number of tickets
c = p * n dollars: the cost of the tickets

pens
{who} pays {m} dollars for {n} pens. All pens have the same price. How many dollars does one pen cost?
m 6..50 dollars for the pens: the cost of the pens
n 2..9 pens: the number of pens
p = m / n dollars: the price of a pen

melons
{who} sells {n} melons at {p} dollars each. How many dollars does {she} get?
n 2..9 melons: the number of melons
p 2..9 dollars a melon: the price of a melon
c = n * p dollars: the money for the melons

comics
{who} has {m} dollars and spends {s} dollars on a comic. How many dollars does {she} have left?
m 10..20 dollars at first: the money at first
s 3..9 dollars for the comic: the price of the comic
r = m - s dollars: the money left

ribbon
One metre of ribbon costs {p} dollars. What is the price of {n} metres, in dollars?
p 2..9 dollars a metre: the price of a metre
n 2..9 metres: the length of the ribbon
c = p * n dollars: the price of the ribbon
"""

DEV = """
hats
{who} buys {n} hats for {p} dollars each and a scarf for {s} dollars. How many dollars does {she} pay in all?
n 2..5 hats: the number of hats
p 2..9 dollars a hat: the price of a hat
s 2..15 dollars for the scarf: the price of the scarf
b = n * p dollars: the cost of the hats
t = b + s dollars: the sum to pay

kites
{who} has {m} dollars and buys {n} kites for {p} dollars each. What is left, in dollars?
m 20..60 dollars at first: the money at first
n 2..5 kites: the number of kites
p 2..9 dollars a kite: the price of a kite
c = n * p dollars: the cost of the kites
r = m - c dollars: the money that is left

delivery
A pizza costs {p} dollars. {who} orders {n} pizzas and pays {s} dollars for the delivery.
How much money is that, in dollars?
p 3..9 dollars a pizza: the price of a pizza
n 2..5 pizzas: the number of pizzas
s 2..10 dollars for the delivery: the price of the delivery
b = p * n dollars: the cost of the pizzas
t = b + s dollars: the cost of the order

plates
A plate costs {p} dollars. {who} buys {n} plates and has a voucher for {v} dollars. How many dollars must {she} pay?
p 3..9 dollars a plate: the price of a plate
n 2..6 plates: the number of plates
v 2..9 dollars off: the value of the voucher
b = p * n dollars: the cost of the plates
r = b - v dollars: the amount to pay

guide
{n} bus tickets cost {p} dollars each. The guide costs {s} dollars. How many dollars does the trip cost?
n 2..6 tickets: the number of tickets
p 2..9 dollars a ticket: the price of a ticket
s 5..20 dollars for the guide: the pay of the guide
b = n * p dollars: the cost of the tickets
t = b + s dollars: the cost of the trip

jars
{who} takes {m} dollars to the shop and buys {n} jars at {p} dollars each. With how many dollars does {she} return?
m 20..60 dollars to the shop: the money taken to the shop
n 2..6 jars: the number of jars
p 2..8 dollars a jar: the price of a jar
c = n * p dollars: the cost of the jars
r = m - c dollars: the money of the return

tea
If a box of tea costs {p} dollars, how much do {n} boxes cost?
p 2..10 dollars a box: the price of a box
n 2..9 boxes: the number of boxes
c = p * n dollars: the cost of the boxes

one_lamp
If a lamp costs {p} dollars, how many dollars do {n} lamps cost?
p 2..10 dollars a lamp: the price of a lamp
n 2..9 lamps: the number of lamps
c = p * n dollars: the cost of the lamps

mangoes
{n} mangoes are {m} dollars altogether. How many dollars is a single mango?
n 2..9 mangoes: the number of mangoes
m 6..50 dollars for the mangoes: the cost of the mangoes
p = m / n dollars: the price of a mango

gloves
A pair of gloves costs {p} dollars. How many dollars do {n} pairs cost together?
p 3..12 dollars a pair: the price of a pair
n 2..9 pairs: the number of pairs
c = p * n dollars: the cost of the pairs

pool
{who} had {m} dollars and paid {s} dollars for the swimming pool. How many dollars does {who} have now?
m 11..20 dollars at first: the money at first
s 3..9 dollars for the pool: the price of the pool
r = m - s dollars: the money of now

postcards
{who} paid {m} dollars for {n} postcards of one price. How many dollars was each postcard?
m 6..50 dollars for the postcards: the cost of the postcards
n 2..9 postcards: the number of postcards
p = m / n dollars: the price of a postcard
"""

TEST = """
teapot
A mug costs {p} dollars. {who} takes {n} mugs and a teapot for {s} dollars. How many dollars is that altogether?
p 2..9 dollars a mug: the price of a mug
n 2..5 mugs: the number of mugs
s 2..15 dollars for the teapot: the price of the teapot
b = p * n dollars: the cost of the mugs
t = b + s dollars: the cost altogether

balls
{who} owns {m} dollars. {She} buys {n} balls at {p} dollars each. How many dollars remain?
m 20..60 dollars at first: the money at first
n 2..5 balls: the number of balls
p 2..9 dollars a ball: the price of a ball
c = n * p dollars: the cost of the balls
r = m - c dollars: the money that remains

zoo
{n} children pay {p} dollars each for the zoo, and the teacher pays {s} dollars. How many dollars do they pay in total?
n 2..6 children: the number of children
p 2..9 dollars a child: the price for a child
s 5..15 dollars for the teacher: the price for the teacher
b = n * p dollars: the price for all children
t = b + s dollars: the price in total

till
{who} picks {n} shirts for {p} dollars each. At the till, {v} dollars are taken off. What does {she} pay, in dollars?
n 2..6 shirts: the number of shirts
p 3..9 dollars a shirt: the price of a shirt
v 2..9 dollars off: the reduction
b = n * p dollars: the full price
r = b - v dollars: the price that is paid

vase
A lily costs {p} dollars and a vase {s} dollars. {who} buys {n} lilies and one vase. What is the price in dollars?
p 2..9 dollars a lily: the price of a lily
s 5..20 dollars for the vase: the price of the vase
n 2..5 lilies: the number of lilies
b = p * n dollars: the cost of the lilies
t = b + s dollars: the price of all

cakes
{n} cakes cost {p} dollars each. {who} pays with {m} dollars. How many dollars of change is that?
n 2..6 cakes: the number of cakes
p 2..8 dollars a cake: the price of a cake
m 20..60 dollars paid with: the money paid with
c = n * p dollars: the cost of the cakes
r = m - c dollars: the change

toys
If a toy costs {p} dollars, how much do {n} toys cost?
p 2..10 dollars a toy: the price of a toy
n 2..9 toys: the number of toys
c = p * n dollars: the cost of the toys

rope
If one metre of rope costs {p} dollars, how much do {n} metres cost?
p 2..10 dollars a metre: the price of a metre
n 2..9 metres: the length of the rope
c = p * n dollars: the cost of the rope

candles
{n} candles cost {m} dollars together. What is the price of one candle, in dollars?
n 2..9 candles: the number of candles
m 6..50 dollars for the candles: the cost of the candles
p = m / n dollars: the price of a candle

skates
To rent skates costs {p} dollars an hour. How many dollars are {n} hours?
p 3..12 dollars an hour: the price of an hour
n 2..9 hours: the number of hours
c = p * n dollars: the price of all hours

magazine
From {m} dollars, {who} pays {s} dollars for a magazine. How many dollars are not spent?
m 11..20 dollars at first: the money at first
s 3..9 dollars for the magazine: the price of the magazine
r = m - s dollars: the money that is not spent

spoons
A set of {n} equal spoons costs {m} dollars. How much is one spoon, in dollars?
n 2..9 spoons: the number of spoons
m 6..50 dollars for the set: the price of the set
p = m / n dollars: the price of a spoon
"""
