"""Work that goes on at so much a day: pages, exercises, rows, letters."""

TRAIN = """
novel
A novel has {g} pages. {who} reads {a} pages a day for {w} days.
How many pages has {she} not read yet?
g 90..180 pages in the novel: the number of pages of the novel
a 5..12 pages a day: the number of pages a day
w 3..9 days: the number of days
k = a * w pages: the number of pages read
r = g - k pages: the number of pages not read yet

chapters
{who} has a book of {g} pages and has read {s} of them. From now on {she} reads {a} pages every evening.
How many evenings will it take to finish the book?
g 60..150 pages in the book: the number of pages of the book
s 15..60 pages read: the number of pages read so far
a 6..12 pages an evening: the number of pages an evening
k = g - s pages: the number of pages left
m = k / a evenings: the number of evenings

scarf
{who} has knitted {s} rows of a scarf. {She} knits {a} rows an hour and goes on for {w} hours.
How many rows does the scarf have then?
s 10..60 rows so far: the number of rows so far
a 5..12 rows an hour: the number of rows an hour
w 3..9 hours: the number of hours
n = a * w rows: the number of new rows
t = s + n rows: the number of rows of the scarf

letters
A postman carries {g} letters. He has delivered {s} of them and puts {a} letters into the boxes of each house that is
left. How many houses are left?
g 40..120 letters: the number of letters of the postman
s 10..40 letters delivered: the number of letters delivered
a 4..9 letters a house: the number of letters for a house
k = g - s letters: the number of letters not delivered
m = k / a houses: the number of houses left

exercises
The workbook contains {g} exercises. {who} does {a} exercises in each lesson, and there have been {w} lessons.
How many exercises are still open?
g 80..150 exercises in the workbook: the number of exercises in the workbook
a 4..10 exercises a lesson: the number of exercises a lesson
w 4..11 lessons: the number of lessons
k = a * w exercises: the number of exercises done
r = g - k exercises: the number of exercises still open

words
{who} knew {s} words of Spanish. Then {she} learned {a} new words a day for {w} days without forgetting any.
How many words does {she} know now?
s 20..80 words at first: the number of words known at first
a 4..12 words a day: the number of words a day
w 4..9 days: the number of days
n = a * w words: the number of new words
t = s + n words: the number of words known now

fence
{who} paints a fence of {g} boards. {She} manages {a} boards per hour and works for {w} hours today.
How many boards remain for tomorrow?
g 70..140 boards: the number of boards of the fence
a 6..12 boards an hour: the number of boards an hour
w 3..7 hours: the number of hours
k = a * w boards: the number of boards painted
r = g - k boards: the number of boards for tomorrow

emails
There are {g} unread emails in the inbox. {who} deletes {s} advertisements first. After that {she} answers {a} emails
a day. After how many days is the inbox empty?
g 40..120 unread emails: the number of unread emails
s 10..40 advertisements: the number of advertisements
a 4..10 emails a day: the number of emails a day
k = g - s emails: the number of emails to answer
m = k / a days: the number of days

cabbages
A farmer has planted {s} cabbages before lunch. After lunch he plants {w} rows with {a} cabbages in each.
How many cabbages does he plant that day?
s 15..70 cabbages before lunch: the number of cabbages before lunch
w 3..9 rows: the number of rows
a 6..12 cabbages a row: the number of cabbages in a row
n = w * a cabbages: the number of cabbages after lunch
t = s + n cabbages: the number of cabbages of the day

pages
{who} reads {a} pages a day. How many pages does {she} read in {w} days?
a 2..10 pages a day: the number of pages a day
w 2..9 days: the number of days
t = a * w pages: the number of pages read

comic
A comic has {n} chapters. Each chapter has {p} pages. How many pages does the comic have?
n 2..9 chapters: the number of chapters
p 2..10 pages a chapter: the number of pages of a chapter
t = n * p pages: the number of pages of the comic

puzzles
{who} has {g} puzzles and solves {a} puzzles each day. How many days does it take to solve them all?
g 6..50 puzzles: the number of puzzles
a 2..9 puzzles a day: the number of puzzles a day
m = g / a days: the number of days

songs
{who} learns {a} songs every month. How many songs does {she} learn in {w} months?
a 2..9 songs a month: the number of songs a month
w 2..9 months: the number of months
t = a * w songs: the number of songs learned

cards
{who} must write {g} cards and has written {k} cards. How many cards are left to write?
g 10..20 cards: the number of cards to write
k 3..9 cards written: the number of cards written
r = g - k cards: the number of cards left

poems
{who} learns {g} poems in {w} weeks, the same number each week. How many poems does {she} learn in one week?
g 6..50 poems: the number of poems
w 2..9 weeks: the number of weeks
a = g / w poems: the number of poems a week
"""

DEV = """
diary
{who} fills {a} sides of {her} diary each week. The diary offers {g} sides, and {w} weeks have gone by since the first
entry. How many sides are blank?
g 80..150 sides in the diary: the number of sides of the diary
a 4..9 sides a week: the number of sides a week
w 5..12 weeks: the number of weeks
k = a * w sides: the number of sides filled
r = g - k sides: the number of blank sides

signs
Of the {g} street signs that need cleaning, {s} were cleaned on Monday. The crew cleans {a} signs a day from Tuesday on.
How many more days will the crew be busy?
g 50..130 signs to clean: the number of signs to clean
s 8..40 signs on Monday: the number of signs cleaned on Monday
a 5..12 signs a day: the number of signs a day
k = g - s signs: the number of signs that are still dirty
m = k / a days: the number of days

drawings
{s} drawings already hang in the school hall. {w} classes bring {a} drawings each, and all of them are hung up as well.
How many drawings can visitors see?
s 12..60 drawings in the hall: the number of drawings in the hall
w 3..9 classes: the number of classes
a 6..12 drawings a class: the number of drawings a class
n = w * a drawings: the number of drawings that are brought
t = s + n drawings: the number of drawings to see

shelf
A shelf has {n} rows with {p} books in each row. What is the total number of books?
n 2..6 rows: the number of rows
p 2..10 books a row: the number of books in a row
t = n * p books: the number of all books

writing
{who} writes {a} letters a day for {w} days. How many letters does {who} write?
a 2..10 letters a day: the number of letters a day
w 2..6 days: the number of days
t = a * w letters: the number of letters written

story
A story has {n} chapters with {p} pages in each chapter. What is the total number of pages?
n 2..6 chapters: the number of chapters
p 2..10 pages a chapter: the number of pages of a chapter
t = n * p pages: the number of pages of the story
"""

TEST = """
podcast
A podcast series runs to {g} episodes. During {w} train rides {who} listened to {a} episodes per ride.
How many episodes does {she} have to look forward to?
g 70..140 episodes: the number of episodes of the series
w 4..10 rides: the number of rides
a 3..9 episodes a ride: the number of episodes a ride
k = w * a episodes: the number of episodes heard
r = g - k episodes: the number of episodes to come

nails
The carpenter's plan asks for {g} nails. {s} nails are in the wood, and with every minute {a} others follow.
How many minutes of hammering does the plan still require?
g 50..130 nails in the plan: the number of nails of the plan
s 10..50 nails in the wood: the number of nails in the wood
a 6..12 nails a minute: the number of nails a minute
k = g - s nails: the number of nails that are missing
m = k / a minutes: the number of minutes of hammering

stars
{who} counted {s} stars before the clouds came. When the sky cleared, {she} counted for {w} more minutes, {a} stars in
each of them. What total did {she} write down?
s 15..70 stars before the clouds: the number of stars before the clouds
w 3..9 minutes: the number of minutes
a 5..12 stars a minute: the number of stars a minute
n = w * a stars: the number of stars after the clouds
t = s + n stars: the total number of stars

cabinet
A cabinet has {n} drawers with {p} maps in each drawer. What is the total number of maps?
n 2..6 drawers: the number of drawers
p 2..10 maps a drawer: the number of maps in a drawer
t = n * p maps: the number of all maps

lines
{who} copies {a} lines a day for {w} days. How many lines does {who} copy?
a 2..10 lines a day: the number of lines a day
w 2..6 days: the number of days
t = a * w lines: the number of lines copied

poem
A poem has {n} verses with {p} words in each verse. What is the total number of words?
n 2..6 verses: the number of verses
p 2..10 words a verse: the number of words of a verse
t = n * p words: the number of words of the poem
"""
