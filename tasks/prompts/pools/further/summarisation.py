"""Passages and their reference summaries, each another story."""

TEST: tuple[tuple[str, str], ...] = (
    (
        "The organ in Saint Brannock's had been silent since the flood. Experts quoted a sum that the parish could not "
        "raise in a century. A dentist who restores harmoniums as a hobby asked for the key, and spent his Sundays "
        "inside the case with a lamp and a thermos. On Easter morning the first chord filled the nave, and half the "
        "congregation forgot to sing.",
        "A dentist spent his Sundays repairing a church organ that experts had thought too expensive to restore.",
    ),
    (
        "Cyclists in the delta lose more tyres to thorns than to wear. A saddler there began to line tubes with strips "
        "of old seat belts. The first customers complained that the wheels felt heavy, but nobody came back with a "
        "puncture. Scrapyards, once glad to give the belts away, have started to charge for them.",
        "A saddler's tyre lining made from old seat belts prevents punctures so well that the belts are in demand.",
    ),
    (
        "Hospitals often lose track of wheelchairs. One in Lund attached cheap tags that answer to a radio signal, and "
        "found sixty of them in a single basement. Porters had been hiding chairs there so that their own ward would "
        "never run short. The tags stayed, and so did a small reserve on every floor.",
        "Radio tags showed that porters hoarded wheelchairs, so the hospital put a reserve on each floor.",
    ),
    (
        "Greta Olafsen taught herself to draw with her left hand at fifty-eight, after a stroke. Her new lines were "
        "shaky, and she hated them for a year. A gallery owner saw the sketches by accident and refused to look at "
        "anything older. Her first exhibition of trembling landscapes closed with every frame sold.",
        "After a stroke, an artist drew with her other hand and found success with the shaky style.",
    ),
    (
        "Glaciers leave behind a fine grey powder that farmers in the valley used to curse. Mixed into tired soil, it "
        "turns out to feed crops for several seasons. Trials on nine farms raised barley yields by a quarter without "
        "other fertiliser. The powder is free; the trouble is carrying it down the mountain.",
        "Glacial powder works as a free fertiliser that raises yields, but it is hard to transport.",
    ),
    (
        "The night bus drivers of Orava have a ritual. At four in the morning they meet at the terminus, park in a "
        "circle and cook one large omelette on a camping stove. The company discovered this and first issued a "
        "warning. Then it compared records: crews that shared breakfast had half the accidents of the others.",
        "Night bus drivers who share a breakfast have fewer accidents, as their company found to its surprise.",
    ),
    (
        "For decades the quarry pond was thought to be bottomless. Two students lowered a kettlebell on a fishing line "
        "and measured eleven metres. Their article made them unpopular in the village, where a diving ghost had drawn "
        "tourists. The innkeeper has since renamed his house The Eleven Metres, and business is as good as before.",
        "Students measured a supposedly bottomless pond, and the innkeeper turned its true depth into an attraction.",
    ),
    (
        "When the bakery's oven failed on the eve of the festival, a pottery across the road offered its kiln. The "
        "temperature was hard to control and the first batch turned to charcoal. The second came out with a crust so "
        "thick and sweet that people queued for it. Both businesses now fire together every Friday.",
        "A bakery that had to use a pottery's kiln baked bread so good that the two now work together weekly.",
    ),
    (
        "Engineers who study wind noise listened to owls, whose feathers end in a soft fringe. They glued a comb of "
        "similar shape to the edge of a fan and measured a drop of ten decibels. Cooling was hardly affected. A maker "
        "of laptop computers has bought the design, and ventilation in trains may follow.",
        "Fan blades with a fringe copied from owl feathers are much quieter and will be used in laptops.",
    ),
    (
        "The island's only ferry captain retires in spring, and nobody has applied for his post. Young islanders "
        "prefer jobs with evenings at home. The council has offered a house, then a house with a boat, and finally "
        "asked the captain's daughter, a pastry cook, to take the exam. She passed, on condition that she may sell "
        "cakes on board.",
        "Lacking applicants, an island found its next ferry captain in the old one's daughter, who will sell cakes.",
    ),
    (
        "A court in the capital has ruled that a rooster may crow. Newcomers to a suburb had sued the owner because "
        "the bird woke them before five. The judge visited twice, unannounced, and slept through it both times. The "
        "village was a village before it was a suburb, the verdict says, and mornings belong to it.",
        "A judge decided that a rooster may go on crowing despite complaints from new neighbours.",
    ),
    (
        "Mirrors in the lifts of an office tower were installed to make waiting seem shorter. When they were removed "
        "for cleaning, complaints about slow lifts tripled within a week, though a stopwatch showed no change. The "
        "caretaker hung up paintings for comparison. They helped half as much as the mirrors.",
        "Removing lift mirrors made people feel that the lifts were slower although they were not.",
    ),
    (
        "Sailmaker Idris Penhale has no website and answers the telephone only on Tuesdays. Orders still reach him "
        "from Chile and Japan. His sails are cut from memory, without a computer, and carry a tiny stitched fish in "
        "one corner. Rivals have tried to copy the fish; none has matched the cut.",
        "A sailmaker who avoids technology gets orders from all over the world because nobody can equal his work.",
    ),
    (
        "The town of Merrow turned off half of its traffic lights for an experiment. Drivers slowed down, looked at "
        "one another and let pedestrians pass. Journeys became two minutes shorter on average, and there were no "
        "serious accidents. Only the owner of a newspaper stand objected: nobody stops at red to buy a paper.",
        "Switching off half its traffic lights made traffic in Merrow faster and no less safe.",
    ),
    (
        "Beekeepers on city roofs harvest more honey than those in the countryside. Parks and balconies bloom from "
        "March to October, whereas fields of a single crop feed bees for three weeks. Researchers warn, however, that "
        "too many hives leave wild bees hungry. Two capitals have begun to limit the number of licences.",
        "City bees produce more honey than rural ones, but too many hives threaten wild bees, so some cities set "
        "limits.",
    ),
    (
        "A translator in Ghent noticed that a cookbook she was working on had an error: every recipe called for twice "
        "the salt. The publisher insisted on fidelity to the original. She added a footnote to each of the two hundred "
        "recipes. Reviewers called the footnotes the funniest pages in the book.",
        "A translator's two hundred footnotes about too much salt became the best-loved part of a cookbook.",
    ),
    (
        "The mountain rescue service receives more calls since telephones work at the summit, and fewer of them are "
        "urgent. Hikers ask for weather reports, lost gloves and once for a pizza. A volunteer set up a second number "
        "with recorded advice. Three of four callers choose it, which leaves the crew free for broken legs.",
        "A second telephone line with recorded advice keeps trivial calls away from the mountain rescue service.",
    ),
    (
        "Old theatre costumes used to end up in skips behind the opera. A seamstress persuaded the management to let "
        "people rent them for a day. Accountants come as musketeers, and one couple married as two swans. The income "
        "pays for a new apprentice, and nothing has been thrown out for five years.",
        "Renting out old opera costumes prevents waste and pays for an apprentice.",
    ),
    (
        "Archaeologists had labelled the clay tubes as drain pipes. A girl on a school visit blew into one, and it "
        "gave a low, clear note. Laboratory tests found traces of wax at the rim. The museum now exhibits them as "
        "instruments, with a card that names the girl.",
        "A schoolgirl discovered that clay tubes in a museum were musical instruments rather than pipes.",
    ),
    (
        "The last video rental shop in the province should have closed years ago. Its owner, Milan, kept it alive by "
        "asking each customer what had made them cry lately and choosing a film accordingly. Therapists started to "
        "send their patients. He now rents out advice, too, and gives the films away.",
        "A video shop survived because its owner picks films to suit each customer's feelings.",
    ),
    (
        "In a trial, cows that could scratch themselves on a rotating brush gave a litre more milk a day. They queued "
        "politely, the strongest first, and rested longer. Farmers doubted that a brush could pay for itself, yet the "
        "sums say it does within seven months. Some have bought a second one, to shorten the queue.",
        "Cows with access to a rotating brush give more milk, so that it soon pays for itself.",
    ),
    (
        "Two rival choirs in Tarnby both booked the same hall by mistake. Neither would give way, so they sang at the "
        "same time, from opposite galleries. What began as noise turned into something like an echo, and the audience "
        "stood up. The conductors, who had not spoken for ten years, are planning a tour.",
        "A double booking made two rival choirs sing together so well that they now plan a tour.",
    ),
    (
        "A start-up promised umbrellas that could be borrowed anywhere and returned anywhere. Within a month it lost "
        "nine thousand of them. Instead of giving up, the founders printed advertisements on the fabric. Lost "
        "umbrellas became walking posters, and the firm earns more from each that disappears.",
        "An umbrella-sharing firm made its losses profitable by printing advertisements on the umbrellas.",
    ),
    (
        "The desert village of Sefra has no river but plenty of fog. Nets strung between poles catch droplets at dawn, "
        "which trickle into tanks. Each net yields enough for one household. The women who maintain them keep a diary "
        "of every litre, and scientists have asked for copies, since no better record of the fog exists.",
        "A desert village harvests drinking water from fog with nets, and its records are valuable to science.",
    ),
    (
        "Postal workers in the north carry dog biscuits, and bites have become rare. A union study went further and "
        "asked dogs' owners to introduce the carrier once, in ordinary clothes. Bites stopped altogether on those "
        "routes. The post office is drawing up a form for it, which nobody expects dogs to read.",
        "Introducing postal workers to dogs in ordinary clothes ended bites on the routes of a study.",
    ),
    (
        "A crack in the dam frightened the valley until a retired crane driver, Sofie Lund, explained it. She had "
        "poured that section in the winter of 1963 and remembered the frost. The crack was as old as the dam and had "
        "never grown. Her diary, with daily temperatures, spared the town a costly evacuation.",
        "A former worker's diary proved that a crack in the dam was old and harmless, which spared an evacuation.",
    ),
    (
        "Librarians in Cadiz found that overdue books came back faster when reminders were rude. A polite letter "
        "brought back four in ten, a stern one five, and one that called the reader a pirate eight. Complaints were "
        "few; several readers framed the letter. The city's lawyers have asked for a milder word.",
        "Rude reminders bring back more overdue library books than polite ones.",
    ),
    (
        "The shortest railway in the country runs for four hundred metres between a brewery and a canal. It should "
        "have been replaced by lorries, but the engine driver's logbook showed that it had never once been late. The "
        "brewery kept it, painted it blue and prints it on the labels. Sales have doubled since the train got its own "
        "beer.",
        "A brewery kept its tiny, punctual railway, and using it in advertising doubled sales.",
    ),
)
