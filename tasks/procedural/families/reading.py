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
magazine
A magazine has {g} pages. {who} reads {a} pages on each of {w} days. How many pages are unread?
g 20..60 pages in the magazine: the number of pages of the magazine
a 2..9 pages a day: the number of pages a day
w 2..6 days: the number of days
k = a * w pages: the number of pages read
r = g - k pages: the number of unread pages

rug
A rug has {s} rows. {who} weaves {w} hours with {a} rows in each. How many rows does it have now?
s 5..20 rows at first: the number of rows at first
w 2..6 hours: the number of hours
a 2..9 rows an hour: the number of rows an hour
n = w * a rows: the number of new rows
t = s + n rows: the number of rows now

bushes
There are {g} bushes. {who} trims {a} bushes an hour for {w} hours. How many bushes are not trimmed?
g 20..60 bushes: the number of bushes
a 2..9 bushes an hour: the number of bushes an hour
w 2..6 hours: the number of hours
k = a * w bushes: the number of trimmed bushes
r = g - k bushes: the number of bushes that are not trimmed

sign_language
{who} knows {s} gestures and learns {a} gestures a week for {w} weeks. How many gestures does {she} know in the end?
s 5..20 gestures at first: the number of gestures at first
a 2..9 gestures a week: the number of gestures a week
w 2..6 weeks: the number of weeks
n = a * w gestures: the number of new gestures
t = s + n gestures: the number of gestures in the end

quiz
A quiz has {g} questions. {w} pupils answer {a} questions each. How many questions stay open?
g 20..60 questions: the number of questions of the quiz
w 2..6 pupils: the number of pupils
a 2..9 questions a pupil: the number of questions of a pupil
k = w * a questions: the number of questions answered
r = g - k questions: the number of open questions

mason
{s} bricks are laid. The mason lays {a} more bricks each hour for {w} hours. How many bricks are laid in the end?
s 5..20 bricks laid: the number of bricks at first
a 2..9 bricks an hour: the number of bricks an hour
w 2..6 hours: the number of hours
n = a * w bricks: the number of new bricks
t = s + n bricks: the number of bricks in the end

shelf
A shelf has {n} rows with {p} books in each row. What is the total number of books?
n 2..9 rows: the number of rows
p 2..10 books a row: the number of books in a row
t = n * p books: the number of all books

writing
{who} has {g} letters to write and writes {a} letters daily. How many days does {who} need?
g 6..50 letters: the number of letters
a 2..9 letters a day: the number of letters a day
m = g / a days: the number of days

story
A story has {n} chapters with {p} pages in each chapter. What is the total number of pages?
n 2..9 chapters: the number of chapters
p 2..10 pages a chapter: the number of pages of a chapter
t = n * p pages: the number of pages of the story

tales
{who} wants to hear {g} tales and has heard {k} tales. How many tales does {who} have to hear yet?
g 11..20 tales to hear: the number of tales to hear
k 3..9 tales heard: the number of tales heard
r = g - k tales: the number of tales yet to hear

sums
{who} solves {a} sums an hour. How many hours do {g} sums take {him}?
a 2..9 sums an hour: the number of sums an hour
g 6..50 sums: the number of sums
m = g / a hours: the number of hours

song
A song has {n} lines of {p} words. How many words does it have?
n 2..9 lines: the number of lines
p 2..12 words a line: the number of words of a line
t = n * p words: the number of words of the song
"""

TEST = """
list
A list has {g} names. {who} checks {a} names a minute for {w} minutes. How many names are unchecked?
g 20..60 names on the list: the number of names on the list
a 2..9 names a minute: the number of names a minute
w 2..6 minutes: the number of minutes
k = a * w names: the number of names checked
r = g - k names: the number of unchecked names

quilt
A quilt has {s} patches. {who} sews on {a} patches every evening for {w} evenings.
How many patches does it have then?
s 5..20 patches at first: the number of patches at first
a 2..9 patches an evening: the number of patches an evening
w 2..6 evenings: the number of evenings
n = a * w patches: the number of new patches
t = s + n patches: the number of patches then

lamps
A street has {g} broken lamps. {w} workers repair {a} lamps each. How many lamps are still broken?
g 20..60 broken lamps: the number of broken lamps
w 2..6 workers: the number of workers
a 2..9 lamps a worker: the number of lamps of a worker
k = w * a lamps: the number of lamps repaired
r = g - k lamps: the number of lamps still broken

pianist
{who} can play {s} songs and practises {a} new songs a month for {w} months. How many songs can {she} play then?
s 5..20 songs at first: the number of songs at first
a 2..9 new songs a month: the number of songs a month
w 2..6 months: the number of months
n = a * w songs: the number of new songs
t = s + n songs: the number of songs then

seeds
A gardener has {g} seeds and sows {w} rows of {a} seeds. How many seeds does he keep?
g 20..60 seeds: the number of seeds
w 2..6 rows: the number of rows
a 2..9 seeds a row: the number of seeds in a row
k = w * a seeds: the number of seeds sown
r = g - k seeds: the number of seeds kept

parcels
{s} parcels are on the desk. {w} people bring {a} parcels each. How many parcels are on the desk now?
s 5..20 parcels at first: the number of parcels at first
w 2..6 people: the number of people
a 2..9 parcels a person: the number of parcels of a person
n = w * a parcels: the number of new parcels
t = s + n parcels: the number of parcels now

cabinet
A cabinet has {n} drawers with {p} maps in each drawer. What is the total number of maps?
n 2..9 drawers: the number of drawers
p 2..10 maps a drawer: the number of maps in a drawer
t = n * p maps: the number of all maps

lines
{who} copies {g} lines, {a} lines every day. How many days is {who} busy?
g 6..50 lines: the number of lines
a 2..9 lines a day: the number of lines a day
m = g / a days: the number of days

poem
A poem has {n} verses with {p} words in each verse. What is the total number of words?
n 2..9 verses: the number of verses
p 2..10 words a verse: the number of words of a verse
t = n * p words: the number of words of the poem

pictures
Of {g} pictures, {who} has coloured {k} pictures. How many pictures are not coloured?
g 11..20 pictures: the number of pictures
k 3..9 coloured pictures: the number of coloured pictures
r = g - k pictures: the number of pictures that are not coloured

recital
{who} learns {a} verses every day. After how many days does {who} know {g} verses?
a 2..9 verses a day: the number of verses a day
g 6..50 verses: the number of verses
m = g / a days: the number of days

chapter
A chapter has {p} pages. How many pages do {n} such chapters have?
p 3..9 pages a chapter: the number of pages of a chapter
n 2..12 chapters: the number of chapters
t = p * n pages: the number of all pages
"""
