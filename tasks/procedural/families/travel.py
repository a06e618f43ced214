"""Journeys at a steady speed: how far, how far still, how long."""

TRAIN = """
cycling
{who} cycles at {v} kilometres an hour for {t} hours. The whole tour is {d} kilometres long.
How many kilometres are still ahead of {him}?
v 8..12 kilometres an hour: the speed
t 2..6 hours: the riding time
d 60..110 kilometres of tour: the length of the tour
w = v * t kilometres: the distance ridden
r = d - w kilometres: the distance still ahead

hiking
In the morning {who} walks {m} kilometres. In the afternoon {she} walks for {t} hours and covers {v} kilometres in
each hour. How many kilometres does {she} walk on that day?
m 5..20 kilometres in the morning: the morning distance
t 2..6 hours: the afternoon time
v 3..6 kilometres an hour: the speed
w = t * v kilometres: the afternoon distance
d = m + w kilometres: the distance of the day

canoe
A river trip is {d} kilometres long. {who} has already paddled {w} kilometres and goes on at {v} kilometres an
hour. In how many hours will {she} arrive?
d 30..90 kilometres of river: the length of the trip
w 6..30 kilometres paddled: the distance paddled
v 4..9 kilometres an hour: the speed
k = d - w kilometres: the distance to go
h = k / v hours: the time to go

snail
A snail creeps {v} centimetres every minute. After {t} minutes the wind pushes it back by {b} centimetres.
How many centimetres is it from the start?
v 3..9 centimetres a minute: the speed of the snail
t 5..12 minutes: the creeping time
b 4..15 centimetres back: the push of the wind
w = v * t centimetres: the distance crept
r = w - b centimetres: the distance from the start

bus
A bus takes {p} minutes from one stop to the next. {who} rides {n} stops and then walks {w} minutes
to school. How many minutes is {she} on the way?
p 3..8 minutes a stop: the time for a stop
n 4..12 stops: the number of stops
w 5..25 minutes on foot: the walking time
b = p * n minutes: the time on the bus
t = b + w minutes: the time on the way

boat
{who} rows across a lake that is {d} metres wide. {She} makes {n} strokes, and every stroke brings the boat
{v} metres forward. How many metres are left to the other side?
d 120..190 metres of water: the width of the lake
n 6..12 strokes: the number of strokes
v 4..9 metres a stroke: the length of a stroke
w = n * v metres: the distance rowed
r = d - w metres: the distance left

desert
A camel caravan must cross {d} kilometres of desert. It has put {w} kilometres behind it and manages {v} kilometres
per day from now on. How many more days does the crossing take?
d 60..150 kilometres of desert: the width of the desert
w 15..50 kilometres behind: the distance behind the caravan
v 8..12 kilometres a day: the distance of a day
k = d - w kilometres: the distance that remains
h = k / v days: the number of days

jogging
{who} runs {n} rounds in the park. One round is {v} hundred metres, and the way home adds {m} hundred metres.
How many hundred metres does {she} run altogether?
n 3..9 rounds: the number of rounds
v 6..12 hundred metres a round: the length of a round
m 5..25 hundred metres home: the way home
w = n * v hundred metres: the distance in the park
d = w + m hundred metres: the whole distance

ladybird
A ladybird climbs a stalk at {v} centimetres a second. It climbs for {t} seconds and then slides down {b}
centimetres. At what height is it now, in centimetres?
v 3..9 centimetres a second: the climbing speed
t 4..12 seconds: the climbing time
b 3..16 centimetres down: the slide
w = v * t centimetres: the height climbed
r = w - b centimetres: the height now

car
A car drives {v} miles an hour. How many miles does it drive in {t} hours?
v 3..10 miles an hour: the speed of the car
t 2..9 hours: the driving time
d = v * t miles: the distance driven

walks
{who} walks {v} kilometres every day. How many kilometres does {she} walk in {t} days?
v 2..9 kilometres a day: the walk of a day
t 2..9 days: the number of days
d = v * t kilometres: the distance walked

marathon
{who} runs {d} miles in {t} hours. How many miles does {she} run in one hour?
d 6..50 miles: the distance run
t 2..9 hours: the running time
v = d / t miles: the distance of an hour

turtle
A turtle walks {v} metres in one minute. How many metres does it walk in {t} minutes?
v 2..9 metres a minute: the speed of the turtle
t 2..9 minutes: the walking time
d = v * t metres: the distance walked

trip
A trip is {d} miles long. {who} has gone {w} miles. How many miles are left?
d 11..20 miles of trip: the length of the trip
w 3..9 miles gone: the distance gone
r = d - w miles: the distance left

laps
One lap is {v} hundred metres long. How many hundred metres are {t} laps?
v 2..9 hundred metres a lap: the length of a lap
t 2..9 laps: the number of laps
d = v * t hundred metres: the length of all laps
"""

DEV = """
stroll
{who} walks {t} hours at {v} miles an hour and then {m} miles more. How many miles does {she} walk?
t 2..5 hours: the walking time
v 2..6 miles an hour: the speed
m 2..9 miles more: the rest of the way
w = t * v miles: the distance of the first hours
d = w + m miles: the whole distance

canal
A canal is {d} miles long. A barge goes {t} hours on it, {v} miles in each hour. How many miles are left?
d 20..60 miles of canal: the length of the canal
t 2..6 hours: the time of the barge
v 2..9 miles an hour: the speed of the barge
w = v * t miles: the distance of the barge
r = d - w miles: the distance left

robot
A robot makes {n} moves of {v} metres and one last move of {m} metres. How many metres does it move?
n 2..6 moves: the number of moves
v 2..9 metres a move: the length of a move
m 2..15 metres at last: the length of the last move
w = n * v metres: the distance before the last move
d = w + m metres: the whole distance

lift
A lift rises {t} times by {v} floors and comes down {b} floors. How many floors up is it?
t 2..6 rides: the number of rides up
v 2..9 floors a ride: the number of floors a ride
b 2..9 floors down: the way down
w = t * v floors: the number of floors gone up
r = w - b floors: the number of floors up

shuttle
A shuttle drives {n} rounds of {v} kilometres. The way home is {m} kilometres. How many kilometres does it drive?
n 2..6 rounds: the number of rounds
v 2..9 kilometres a round: the length of a round
m 2..15 kilometres home: the way home
w = n * v kilometres: the distance of all rounds
d = w + m kilometres: the whole distance

ant
An ant climbs {v} inches a minute for {t} minutes and slides back {b} inches. How many inches high is it?
v 2..9 inches a minute: the climbing speed
t 2..6 minutes: the climbing time
b 2..9 inches back: the slide
w = v * t inches: the height climbed
r = w - b inches: the height in the end

walk
{who} walks {v} miles a day for {t} days. How many miles does {who} walk?
v 2..10 miles a day: the distance of a day
t 2..9 days: the number of days
d = v * t miles: the distance walked

sailing
A boat sails {d} kilometres within {t} hours. How many kilometres does it sail per hour?
d 6..50 kilometres: the distance sailed
t 2..9 hours: the sailing time
v = d / t kilometres: the distance of an hour

journey
A trip has {t} days with {v} miles on each day. What is the total number of miles?
t 2..9 days: the number of days
v 2..10 miles a day: the distance of a day
d = t * v miles: the length of the trip

beach
The beach is {d} miles away. {who} has driven {w} miles. How many miles remain?
d 11..20 miles to the beach: the way to the beach
w 3..9 miles driven: the distance driven
r = d - w miles: the distance that remains

crab
A crab runs {v} feet in one minute. How many feet does it run in {t} minutes?
v 2..12 feet a minute: the speed of the crab
t 2..9 minutes: the running time
d = v * t feet: the distance run

rowing
{who} rows {d} miles in {t} hours at a steady pace. How many miles is that per hour?
d 6..50 miles: the distance rowed
t 2..9 hours: the rowing time
v = d / t miles: the distance of an hour
"""

TEST = """
tractor
A tractor goes {t} hours at {v} miles an hour. It has {m} miles to go after that. How many miles is the whole way?
t 2..5 hours: the driving time
v 2..6 miles an hour: the speed of the tractor
m 2..9 miles to go: the rest of the way
w = t * v miles: the distance driven
d = w + m miles: the whole way

trail
The trail has {d} kilometres. {who} hikes {v} kilometres a day for {t} days. How many kilometres are missing?
d 20..60 kilometres of trail: the length of the trail
v 2..9 kilometres a day: the distance of a day
t 2..6 days: the number of days
w = v * t kilometres: the distance hiked
r = d - w kilometres: the distance that is missing

lengths
{who} swims {n} lengths of {v} yards and then {m} yards on {her} back. How many yards does {she} swim?
n 2..6 lengths: the number of lengths
v 2..9 yards a length: the distance of a length
m 2..15 yards on the back: the distance on the back
w = n * v yards: the distance of all lengths
d = w + m yards: the whole distance

frog
A frog makes {n} leaps of {v} feet and hops back {b} feet. How many feet from the start is it?
n 2..6 leaps: the number of leaps
v 2..9 feet a leap: the length of a leap
b 2..9 feet back: the way back
w = n * v feet: the distance of all leaps
r = w - b feet: the distance from the start

postman
A postman rides {v} miles each morning for {t} mornings and {m} miles on Sunday. How many miles does he ride?
v 2..9 miles a morning: the distance of a morning
t 2..6 mornings: the number of mornings
m 2..15 miles on Sunday: the distance of Sunday
w = v * t miles: the distance of all mornings
d = w + m miles: the whole distance

tunnel
A tunnel will be {d} metres long. Each week {v} metres are dug, and {t} weeks have gone.
How many metres are still to dig?
d 20..60 metres of tunnel: the length of the tunnel
v 2..9 metres a week: the length dug in a week
t 2..6 weeks: the number of weeks
w = v * t metres: the length that is dug
r = d - w metres: the length still to dig

ride
{who} rides {v} kilometres a day for {t} days. How many kilometres does {who} ride?
v 2..10 kilometres a day: the distance of a day
t 2..9 days: the number of days
d = v * t kilometres: the distance ridden

raft
In {t} hours, a raft drifts {d} miles. How far does it drift in an hour, in miles?
t 2..9 hours: the drifting time
d 6..50 miles: the distance drifted
v = d / t miles: the distance of an hour

tour
A tour has {t} stages with {v} kilometres in each stage. What is the total number of kilometres?
t 2..9 stages: the number of stages
v 2..10 kilometres a stage: the length of a stage
d = t * v kilometres: the length of the tour

canyon
A path of {d} miles leads to the canyon. {w} miles are behind {who}. How many miles lie ahead?
d 11..20 miles of path: the length of the path
w 3..9 miles behind: the way that is done
r = d - w miles: the way ahead

sledge
Dogs pull a sledge {v} miles an hour. How many miles do they manage in {t} hours?
v 2..12 miles an hour: the speed of the sledge
t 2..9 hours: the time of the dogs
d = v * t miles: the distance of the sledge

tram
A tram needs {t} hours for {d} miles. How many miles does it go in an hour?
t 2..9 hours: the time of the tram
d 6..50 miles: the distance of the tram
v = d / t miles: the distance of an hour
"""
