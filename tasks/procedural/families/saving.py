"""Money put aside week after week, with something at the start, a goal, or an expense."""

TRAIN = """
piggy
{who} has {s} dollars in {her} piggy bank and adds {a} dollars every week.
How many dollars are in the piggy bank after {w} weeks?
s 5..60 dollars at the start: the money at the start
a 3..12 dollars a week: the weekly amount
w 3..12 weeks: the number of weeks
g = a * w dollars: the money added
t = s + g dollars: the money in the piggy bank

skateboard
A skateboard costs {g} dollars. {who} saves {a} dollars a week for {w} weeks.
How many dollars does {she} still need for the skateboard?
g 70..150 dollars for the skateboard: the price of the skateboard
a 4..11 dollars a week: the weekly amount
w 3..9 weeks: the number of weeks
k = a * w dollars: the money saved
r = g - k dollars: the money still needed

camera
{who} would like a camera for {g} dollars and already has {s} dollars. Each month {she} can put {a} dollars aside.
In how many months can {she} buy the camera?
g 60..150 dollars for the camera: the price of the camera
s 10..60 dollars so far: the money so far
a 6..12 dollars a month: the monthly amount
k = g - s dollars: the missing money
m = k / a months: the number of months

lawns
{who} mows {n} lawns and gets {p} dollars for every lawn. {She} spends {e} dollars on petrol.
How many dollars does {she} earn after paying for the petrol?
n 3..11 lawns: the number of lawns
p 6..12 dollars a lawn: the pay for a lawn
e 5..25 dollars for petrol: the cost of petrol
k = n * p dollars: the pay for all lawns
r = k - e dollars: the money earned in the end

grandmother
Grandmother gives {who} {s} dollars for {her} birthday. Besides, {she} gets {a} dollars of pocket money per week and
keeps all of it for {w} weeks. How many dollars does {she} have then?
s 15..60 dollars from grandmother: the birthday money
a 3..9 dollars a week: the weekly pocket money
w 4..12 weeks: the number of weeks
g = a * w dollars: the pocket money kept
t = s + g dollars: the money then

tank
A water tank holds {g} litres. A pump fills it with {a} litres per minute and has been running for {w} minutes.
How many litres are missing until it is full?
g 90..160 litres of space: the size of the tank
a 6..12 litres a minute: the flow of the pump
w 3..8 minutes: the running time
k = a * w litres: the water pumped
r = g - k litres: the water missing

loan
{who} borrowed {g} dollars from {other} and gave back {s} dollars right away. The rest is paid in steps of {a} dollars
a week. How many weeks does it take?
g 40..130 dollars borrowed: the loan
s 10..50 dollars back at once: the first payment
a 5..12 dollars a week: the weekly payment
k = g - s dollars: the rest of the loan
m = k / a weeks: the number of weeks

babysitting
{who} works as a babysitter for {p} dollars an hour. Last month it was {n} hours, and {she} bought a game for {e}
dollars from this pay. How many dollars remain?
n 4..12 hours: the number of hours
p 7..12 dollars an hour: the hourly pay
e 12..30 dollars for the game: the price of the game
k = n * p dollars: the pay of the month
r = k - e dollars: the money that remains

stickers
{who} starts the year with {s} stickers. On each of the next {w} Saturdays {she} buys a packet of {a} stickers.
How many stickers does {she} own in the end?
s 10..60 stickers at first: the number of stickers at first
w 3..9 Saturdays: the number of Saturdays
a 5..12 stickers a packet: the number of stickers in a packet
g = w * a stickers: the number of stickers bought
t = s + g stickers: the number of stickers in the end

jar
{who} saves {a} dollars every week. How many dollars does {she} save in {w} weeks?
a 2..9 dollars a week: the weekly amount
w 2..9 weeks: the number of weeks
t = a * w dollars: the money saved

waiter
{who} earns {p} dollars an hour and works {n} hours. How many dollars does {she} earn?
p 3..10 dollars an hour: the hourly pay
n 2..9 hours: the number of hours
t = p * n dollars: the money earned

scooter
{who} needs {g} dollars for a scooter and saves {a} dollars a week. How many weeks does it take?
g 6..50 dollars for the scooter: the price of the scooter
a 2..9 dollars a week: the weekly amount
w = g / a weeks: the number of weeks

hens
A hen lays {a} eggs each week. How many eggs does it lay in {w} weeks?
a 2..7 eggs a week: the number of eggs a week
w 2..10 weeks: the number of weeks
t = a * w eggs: the number of all eggs

wallet
{who} saved {s} dollars and spent {e} dollars. How many dollars are left?
s 10..20 dollars saved: the money saved
e 3..9 dollars spent: the money spent
r = s - e dollars: the money left

dogs
{who} gets {m} dollars for walking {n} dogs. The pay for each dog is the same. How many dollars is it per dog?
m 6..50 dollars for the walks: the pay for all dogs
n 2..9 dogs: the number of dogs
p = m / n dollars: the pay for a dog
"""

DEV = """
tin
{who} has {s} dollars in a tin and puts in {a} dollars on each of {w} days. What is in the tin then, in dollars?
s 5..20 dollars in the tin: the money at first
a 2..9 dollars a day: the daily amount
w 2..6 days: the number of days
g = a * w dollars: the money put in
t = s + g dollars: the money in the tin

helmet
A helmet costs {g} dollars. {who} lays {a} dollars aside on {w} Fridays. How many dollars are missing?
g 20..60 dollars for the helmet: the price of the helmet
a 2..9 dollars a Friday: the amount of a Friday
w 2..6 Fridays: the number of Fridays
k = a * w dollars: the money laid aside
r = g - k dollars: the money that is missing

barn
{s} eggs are in the barn. The hens lay {a} eggs a day for {w} days. How many eggs are there then?
s 5..20 eggs at first: the number of eggs at first
a 2..9 eggs a day: the number of eggs a day
w 2..6 days: the number of days
g = a * w eggs: the number of new eggs
t = s + g eggs: the number of eggs in the barn

windows
{who} cleans {n} windows for {p} dollars each and spends {e} dollars on soap. How many dollars are gained?
n 2..6 windows: the number of windows
p 3..9 dollars a window: the pay for a window
e 2..9 dollars for soap: the cost of soap
k = n * p dollars: the pay for all windows
r = k - e dollars: the gain

album
{who} owns {s} postcards and gets {w} packs of {a} postcards. How many postcards does {she} own now?
s 5..20 postcards at first: the number of postcards at first
w 2..6 packs: the number of packs
a 2..9 postcards a pack: the number of postcards in a pack
g = w * a postcards: the number of new postcards
t = s + g postcards: the number of postcards now

barrel
A barrel holds {g} litres. {w} buckets of {a} litres are poured in. How many litres more fit in?
g 20..60 litres of space: the size of the barrel
w 2..6 buckets: the number of buckets
a 2..9 litres a bucket: the size of a bucket
k = w * a litres: the water poured in
r = g - k litres: the space that is left

daily
{who} saves {a} dollars a day for {w} days. How many dollars does {who} save?
a 2..10 dollars a day: the daily amount
w 2..9 days: the number of days
t = a * w dollars: the money saved

rolls
A jar has {n} rolls with {p} coins in each roll. What is the total number of coins?
n 2..9 rolls: the number of rolls
p 2..10 coins a roll: the number of coins in a roll
t = n * p coins: the number of coins in the jar

lessons
{n} lessons of equal price come to {m} dollars. How much is each lesson, in dollars?
n 2..9 lessons: the number of lessons
m 6..50 dollars for the lessons: the cost of the lessons
p = m / n dollars: the price of a lesson

gifts
{who} earned {s} dollars and gave away {e} dollars. How many dollars did {who} keep?
s 11..20 dollars earned: the money earned
e 3..9 dollars given away: the money given away
r = s - e dollars: the money that was kept

pears
A tree gives {a} pears every year. How many pears does it give in {w} years?
a 2..9 pears a year: the number of pears a year
w 2..12 years: the number of years
t = a * w pears: the number of all pears

drone
A drone costs {g} dollars. Saving {a} dollars every month, how many months does {who} need?
g 6..50 dollars for the drone: the price of the drone
a 2..9 dollars a month: the monthly amount
w = g / a months: the number of months
"""

TEST = """
box
There are {s} dollars in a box. {who} adds {a} dollars in each of {w} months. How many dollars does the box hold?
s 5..20 dollars at first: the money at first
a 2..9 dollars a month: the monthly amount
w 2..6 months: the number of months
g = a * w dollars: the money added
t = s + g dollars: the money in the box

drum
{who} wants a drum for {g} dollars and earned {a} dollars on each of {w} evenings. How many dollars does {she} lack?
g 20..60 dollars for the drum: the price of the drum
a 2..9 dollars an evening: the pay of an evening
w 2..6 evenings: the number of evenings
k = a * w dollars: the money earned
r = g - k dollars: the money that is lacking

games
{who} had {s} coins and won {w} games with {a} coins for each. How many coins has {she} now?
s 5..20 coins at first: the number of coins at first
w 2..6 games: the number of games
a 2..9 coins a game: the number of coins for a game
g = w * a coins: the number of coins won
t = s + g coins: the number of coins now

juice
{n} glasses of juice are sold for {p} dollars each. The fruit cost {e} dollars. How many dollars are earned?
n 2..6 glasses: the number of glasses
p 3..9 dollars a glass: the price of a glass
e 2..9 dollars for fruit: the cost of the fruit
k = n * p dollars: the takings
r = k - e dollars: the money earned

park
A park had {s} trees. In each of {w} years, {a} trees were planted. How many trees stand there now?
s 5..20 trees at first: the number of trees at first
w 2..6 years: the number of years
a 2..9 trees a year: the number of trees a year
g = w * a trees: the number of trees planted
t = s + g trees: the number of trees now

tub
A tub takes {g} gallons. The tap ran {w} minutes at {a} gallons a minute. How many gallons are lacking?
g 20..60 gallons of space: the size of the tub
w 2..6 minutes: the time of the tap
a 2..9 gallons a minute: the flow of the tap
k = w * a gallons: the water in the tub
r = g - k gallons: the water that is lacking

monthly
{who} collects {a} dollars a month for {w} months. How many dollars does {who} collect?
a 2..10 dollars a month: the monthly amount
w 2..9 months: the number of months
t = a * w dollars: the money collected

safe
A safe has {n} cases with {p} medals in each case. What is the total number of medals?
n 2..9 cases: the number of cases
p 2..10 medals a case: the number of medals in a case
t = n * p medals: the number of medals in the safe

courses
{n} courses of one price cost {m} dollars. What does a course cost, in dollars?
n 2..9 courses: the number of courses
m 6..50 dollars for the courses: the cost of the courses
p = m / n dollars: the price of a course

purse
A purse held {s} dollars until {e} dollars were lost. How many dollars does it hold now?
s 11..20 dollars at first: the money at first
e 3..9 dollars lost: the money lost
r = s - e dollars: the money in the purse

cow
A cow gives {a} gallons of milk daily. How many gallons is that in {w} days?
a 2..9 gallons a day: the milk of a day
w 2..12 days: the number of days
t = a * w gallons: the milk of all days

debt
{who} pays back {g} dollars, {a} dollars every week. In how many weeks is all paid?
g 6..50 dollars of debt: the debt
a 2..9 dollars a week: the weekly amount
w = g / a weeks: the number of weeks
"""
