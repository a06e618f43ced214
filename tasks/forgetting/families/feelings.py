"""How somebody feels, told in plain words without naming it."""

import re

from offbook.tasks.forgetting.names import NAMES
from offbook.tasks.forgetting.question import Draft, Family, Slot

FEELINGS = ("happy", "sad", "angry", "afraid")
TALES = {  # feeling, story: what happens. | What is done about it.
    "test": """
        happy, prize: {who} won the first prize in the drawing contest. | {who} danced through the kitchen.
        happy, puppy: The parents of {who} brought home the puppy of {who}'s dreams. | {who} laughed out loud.
        happy, exam: {who} passed the final exam with the best marks of the year. | {who} cheered and hugged everybody.
        happy, visit: After two years abroad, the best friend of {who} came back home. | {who} smiled from ear to ear.
        happy, snow_day: School was cancelled and {who} could go sledging all day. | {who} sang all the way up the hill.
        happy, found_ring: The ring that {who} had been missing turned up in a drawer. | {who} clapped with delight.
        happy, goal: In the last minute {who} scored the winning goal. | {who} jumped up and down and grinned.
        happy, baby: The sister of {who} had a healthy baby this morning. | {who} beamed and opened a bottle of wine.
        sad, goldfish: The goldfish of {who} was found dead in its bowl. | {who} wept for an hour.
        sad, moving: The only friend of {who} moved to another country for good. | {who} sat at the window and cried.
        sad, grandfather: {who} went to the funeral of a beloved grandfather. | Tears ran down {who}'s face.
        sad, lost_match: {who}'s team lost the final after a whole year of training. | {who} sat in a corner and sobbed.
        sad, letter: A letter told {who} that the wedding would not take place. | {who} wept over every line.
        sad, old_house: The house in which {who} grew up had to be pulled down. | {who} blinked away the tears.
        sad, birthday: Nobody came to the birthday party of {who}. | {who} cried among the balloons.
        sad, cat: The old cat of {who} did not wake up any more. | {who} buried it with wet eyes.
        angry, bicycle: Somebody stole the new bicycle of {who} in front of the shop. | {who} swore and kicked the wall.
        angry, queue: A man pushed in at the front of the queue ahead of {who}. | {who} shouted at him.
        angry, lie: {who} found out that a colleague had told lies to the boss. | {who} slammed the door.
        angry, music: For the fifth night running loud music kept {who} awake. | {who} yelled and banged
        on the wall.
        angry, scratch: A stranger scratched the car of {who} and drove off. | {who} clenched both fists and cursed.
        angry, broken_promise: The landlord refused once more to pay back {who}'s money. | {who} tore up the letter.
        angry, cheating: The other player cheated {who} and laughed about it. | {who} threw the cards on the floor.
        afraid, bear: On a lonely path {who} met a bear. | {who} trembled and did not dare to breathe.
        afraid, cellar: In the dark cellar something began to breathe behind {who}. | {who} screamed and ran upstairs.
        afraid, storm: The little boat of {who} was tossed about by huge waves. | {who} held on with shaking hands.
        afraid, ladder: High up on the ladder {who} felt it begin to slip. | {who} turned pale and froze.
        afraid, burglar: At midnight {who} heard a stranger break the window downstairs. | {who} hid under the bed.
        afraid, snake: A snake as long as an arm slid over the foot of {who}. | {who} shrieked and shivered.
        afraid, lift: The cable of the lift snapped while {who} was inside. | {who} whimpered and called for help.
    """,
    "dev": """
        happy, holiday: Tomorrow the long summer break of {who} begins at last. | {who} whistled a merry tune.
        happy, job: The firm that {who} admires most offered {who} a job. | {who} cheered at the phone.
        happy, kitten: A kitten fell asleep on {who}'s lap, purring softly. | {who} smiled and kept quite still.
        happy, surprise: All friends of {who} had come to a surprise party. | {who} laughed and thanked them all.
        happy, harvest: Never before had so many apples grown in {who}'s garden. | {who} hummed while picking them.
        sad, farewell: The nurse whom {who} loved went away for ever. | {who} waved after her in tears.
        sad, toy: The teddy bear that {who} had owned since birth fell into the sea. | {who} cried all night.
        sad, news: The doctor told {who} that Grandmother would not live long. | {who} sobbed quietly.
        sad, empty_chair: At supper {who} looked at the chair where Father used to sit. | {who} wiped away a tear.
        sad, dream: After the injury {who} had to give up ballet, the dream of a lifetime. | {who} wept in the dark.
        angry, homework: The brother of {who} tore up {who}'s finished homework for fun. | {who} screamed at him.
        angry, bill: The garage made {who} pay twice for repairs that were never done. | {who} banged on the counter.
        angry, insult: A guest made fun of {who}'s mother in front of all the others. | {who} turned red and shouted.
        angry, parking: Again somebody had blocked the drive of {who} with a van. | {who} cursed and hit the horn.
        angry, theft: A thief ran off with the wallet of {who}. | {who} swore and shook a fist.
        afraid, spider: A hairy spider crawled up the sleeve of {who}. | {who} shrieked and went pale.
        afraid, ice: In the middle of the lake the ice cracked under {who}. | {who} did not dare to move and trembled.
        afraid, dog: A huge dog without a leash ran towards {who}, baring its teeth. | {who} screamed for help.
        afraid, thunder: Lightning struck the tree right beside {who}'s tent. | {who} hid under the blanket, shaking.
        afraid, bridge: The rope bridge began to tear when {who} was half across. | {who} clung to it with a cry.
    """,
}
FRAMES = {"test": "{tale} How does {who} feel?", "dev": "{tale} What is {who}'s mood?"}
STORIES = {
    split: {story: (feeling, tale, done) for feeling, story, tale, done in
            re.findall(r"(\w+), (\w+): (.+?) \| (.+?)(?=\n\s+\w+, \w+: |\s*\Z)", text, re.DOTALL)}
    for split, text in TALES.items()
}  # fmt: skip


def draft(slot: Slot) -> Draft:
    """Between four feelings; at level 1 what is done about it is told too."""
    feeling, tale, done = STORIES[slot.split][slot.story]
    who = slot.rng.choice(NAMES[slot.split])
    told = " ".join(f"{tale} {done if slot.level == 1 else ''}".split()).format(who=who)
    others = tuple(other for other in FEELINGS if other != feeling)
    return Draft(text=FRAMES[slot.split].format(tale=told, who=who), answer=feeling, others=others)


FAMILY = Family(use="read", stories={split: tuple(told) for split, told in STORIES.items()}, draft=draft)
