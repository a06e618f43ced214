"""Short texts of many kinds, in which no question is asked: what a model still says of plain English is read on them.

Each is a paragraph of about eighty words: accounts, stories, letters, recipes, talk, rules, reports, verse. None is a
word problem, none closes with an answer line, and no training or test set holds any. All were written for offbook,
Apache-2.0.
"""

TEXTS: dict[str, str] = {
    "lighthouse": (
        "The lighthouse at Torrin Head was built after the wreck of a grain ship in the winter storms. Its lamp "
        "first burned whale oil, then paraffin, and the keepers carried the fuel up a spiral stair of ninety stone "
        "steps. When electric light came to the coast, the last keeper moved down to the village, but he still "
        "walked out on clear evenings to look at the beam, which he thought was a little too white."
    ),
    "moss": (
        "Mosses have no roots in the usual sense. Thin threads hold them to bark or stone, and water reaches every "
        "leaf directly from rain, mist or dew. In dry weather the plant folds up and turns brown, and it may look "
        "dead for months. A single shower is enough to make it green again. Because they drink with their whole "
        "surface, mosses are among the first plants to suffer when the air of a city is dirty."
    ),
    "letter": (
        "Dear Miriam, thank you for the box of apples, which arrived on Tuesday with only two of them bruised. The "
        "children have already eaten most of the red ones, and I mean to bake the rest before the weekend. We have "
        "had fog every morning, so the roof is still not finished. Do write to me about your new school, and "
        "whether the headmistress is as stern as people say. Your affectionate cousin, Agnes."
    ),
    "bread": (
        "Stir the yeast into lukewarm water and leave it until it foams. Add the flour and the salt, and knead the "
        "dough on a floured board until it is smooth and springs back under your thumb. Cover the bowl with a damp "
        "cloth. When the dough has risen well above the rim, shape it into a loaf, score the top with a sharp "
        "knife, and bake it in a hot oven until the crust is dark and sounds hollow."
    ),
    "fable": (
        "A crow once found a mirror at the edge of a pond and thought that another crow lived inside it. Each "
        "morning she brought it a worm, and each evening the worm was gone, for a hedgehog slept nearby. The crow "
        "told everybody how greedy her friend was, and how silent. At last the frost cracked the glass, and she "
        "mourned for a whole day. The hedgehog, who was hungry now, mourned a good deal longer."
    ),
    "council": (
        "The town council met on Thursday to discuss the old tram depot. Two proposals were put forward: a covered "
        "market with rooms for small workshops above it, or a park with a pond and a playground. Residents of the "
        "neighbouring streets spoke in favour of the park, while shopkeepers feared that visitors would stay away. "
        "The council postponed its decision until the cost of removing the rails has been examined."
    ),
    "dialogue": (
        '"You are early," said the clockmaker without looking up. "The shop was open," the boy replied, and he put '
        'the parcel on the counter. Inside lay a watch with a broken lid. "My grandmother says that it stopped on '
        'the day she was married, and she would like to know why." The old man held it to his ear and smiled. '
        '"Sand," he said. "Ask her whether the wedding was held on a beach."'
    ),
    "glacier": (
        "A glacier is a river of ice that moves too slowly to be seen. Snow that falls on the upper slopes is "
        "pressed into ice by the weight of later winters, and the ice begins to creep downhill. It carries stones "
        "that scratch the rock beneath, and it leaves them in long ridges where it melts. From these ridges "
        "geologists can tell how far the ice once reached, even in valleys where none is left today."
    ),
    "library_rules": (
        "Books may be borrowed for three weeks and renewed once, unless another reader has asked for them. "
        "Dictionaries, atlases and newspapers are read in the hall. Please do not bring food to the tables; a "
        "bottle of water is welcome. If a book is damaged, tell the librarian, and never try to mend it with tape. "
        "Bags are left in the lockers by the entrance, for which a coin is needed that you get back."
    ),
    "violin": (
        "The sound of a violin begins with the bow, whose hair is rubbed with rosin so that it grips the string. "
        "The string sticks, slips and sticks again, hundreds of times a second. On its own it would hardly be "
        "heard. The bridge passes the motion to the top of the body, a thin plate of spruce, and the plate moves "
        "the air in the room. Much of an instrument's character lies in how unevenly that plate responds."
    ),
    "diary": (
        "Rain again, and the ferry did not sail. I spent the morning in the hotel with a novel about polar "
        "explorers, which made the draught from the window easier to bear. After lunch the sky cleared for an "
        "hour, so I walked to the end of the pier. An old woman was feeding gulls from a paper bag and scolding "
        "each of them by name. If the wind turns tonight, I shall be on the island tomorrow."
    ),
    "software": (
        "A program that waits for a slow network should not keep the whole machine waiting. One remedy is to let "
        "several requests run side by side and to deal with each as soon as its reply arrives. This is easy to "
        "describe and hard to get right, since replies may come in any order, or not at all. Good libraries hide "
        "the bookkeeping, but whoever uses them should still decide what happens when time runs out."
    ),
    "beekeeper": (
        "In late spring a strong colony of bees prepares to swarm. The old queen leaves with half of the workers, "
        "and they hang in a cluster from a branch while scouts look for a hollow tree. A beekeeper who comes at "
        "the right moment can shake them into a box. They are surprisingly gentle then, because they have no home "
        "to defend and their stomachs are full of honey for the journey."
    ),
    "speech": (
        "Friends, we have come together to thank a woman who never wanted to be thanked. For thirty years Helen "
        "has opened this hall before dawn, lit the stove, and put the chairs in rows that were always a little "
        "crooked. She knew who took sugar and who only said so. Tonight the chairs are straight, because none of "
        "us could do it as she did. Helen, the key is yours to keep, and the stove will be cold without you."
    ),
    "verse": (
        "The mill stands empty by the weir, its wheel is green with weed; the miller's house has lost its roof, "
        "the garden gone to seed. But still the water, as it falls, keeps up its ancient song, of sacks of flour "
        "and heavy carts and days that were not long. And children, when the nights are warm, come down to hear it "
        "play, and think it sings of what will come, and not of yesterday."
    ),
    "museum": (
        "The museum's smallest room holds its strangest object, a map embroidered on linen by a sailor who had "
        "lost his sight. He worked from memory, and every harbour is marked by a knot that can be felt with a "
        "finger. Where he had been happy the thread is red. Scholars have argued for years about two islands that "
        "appear on no other chart; a visitor once suggested that he might simply have invented them."
    ),
    "weather": (
        "A band of cloud will move in from the west during the night and bring light rain to the hills by dawn. "
        "The coast stays dry, with a fresh breeze that becomes strong around the headlands. In the afternoon the "
        "sun should break through almost everywhere, though a shower is possible in the south. It will be mild for "
        "the season. Fishermen are advised to return before dark, when gusts may reach the force of a gale."
    ),
    "translation": (
        "Translators often say that a language lives in its small words. The names of things can be found in any "
        "dictionary, while the particle that makes a request polite, or turns a statement into a tease, has to be "
        "felt. When such a word has no partner in the other language, something else in the sentence must do its "
        "work: the order of the parts, a pause, or a different verb. Readers notice only when it has been "
        "forgotten."
    ),
    "garden": (
        "The best time to plant a hedge is late autumn, when the leaves have fallen and the ground is still warm. "
        "Dig a trench rather than single holes, loosen the soil at the bottom, and mix in some compost. Set the "
        "young plants a hand's breadth deeper than they stood before, tread the earth down firmly and water them "
        "well even if it rains. In the first spring cut them back hard; it seems cruel, but they will thank you."
    ),
    "detective": (
        "Inspector Vale looked at the locked drawer for a long time. There were no scratches around the keyhole, "
        "and the dust on top lay undisturbed, except for a clean ring as wide as a teacup. He asked who had been "
        "in the room since Sunday. Nobody, said the housekeeper, apart from the doctor. The inspector knelt, "
        "smelled the carpet, and asked in the same mild voice whether the doctor had taken milk."
    ),
    "history": (
        "Before there were railways, each town kept its own time by the sun, and a traveller who rode west had to "
        "put his watch back a little every day. Nobody minded, since no coach was punctual to the minute. Trains "
        "changed that. A timetable makes no sense unless all stations agree about the hour, and so the companies "
        "carried London's time along their lines, long before any law asked the towns to follow."
    ),
    "advice": (
        "If you want to learn to draw, stop looking at the paper. Choose something plain, a shoe or a pair of "
        "scissors, and follow its edge with your eyes while your hand moves at the same speed. The result will be "
        "odd, and that does not matter. You are teaching yourself to see what is there and not what you know about "
        "it. Do this for ten minutes each day, and throw the sheets away without regret."
    ),
    "minutes": (
        "Present were all members but Mr Okoro, who sent his apologies. The minutes of the last meeting were read "
        "and approved. The treasurer reported that repairs to the boathouse had cost less than feared, and "
        "proposed that the remainder be spent on life jackets for children. This was agreed. A letter from the "
        "angling club about the use of the jetty was passed to the chair. The meeting closed with thanks to the "
        "cook."
    ),
    "night_sky": (
        "Away from the lamps of the town the eye needs about half an hour before it can see in the dark as well as "
        "it ever will. Then the pale band of the Milky Way appears, which is the light of countless stars too "
        "faint to be told apart. Binoculars are enough to break parts of it into points. A planet does not twinkle "
        "as stars do, because it is a tiny disc and not a point, and the restless air disturbs it less."
    ),
}
