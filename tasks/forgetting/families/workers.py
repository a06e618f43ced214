"""What somebody is called who does a certain work."""

import re

from offbook.tasks.forgetting.question import Draft, Family, Slot

WORK = {
    "test": """
        plumber: repairs water pipes
        vet: treats sick animals
        lawyer: defends people in court
        architect: designs buildings
        florist: sells flowers
        shepherd: looks after a flock of sheep
        referee: blows the whistle in a football match
        composer: writes symphonies
        surgeon: operates on patients
        blacksmith: puts shoes on horses
        astronomer: studies stars and planets
        historian: studies what happened in the past
        electrician: lays the cables for electric light
        firefighter: puts out burning houses
        journalist: reports for a newspaper
        detective: finds out who committed a crime
        magician: pulls rabbits out of a hat
        conductor: leads an orchestra
        sculptor: carves statues
        potter: makes bowls out of clay
        translator: puts a text into another language
        geologist: studies rocks
        lumberjack: cuts down trees in a forest
        beekeeper: gathers honey from hives
        pharmacist: hands out medicine in a shop
        locksmith: makes keys and opens locked doors
        optician: fits people with glasses
        dancer: performs in a ballet
        midwife: helps mothers to give birth
        clown: makes people laugh in a circus
    """,
    "dev": """
        lifeguard: watches over swimmers at the beach
        goalkeeper: stops the ball in front of the net
        jockey: rides horses in races
        bricklayer: builds walls from bricks
        novelist: writes novels
        violinist: plays the violin
        drummer: plays the drums
        botanist: studies plants
        zoologist: studies the life of animals
        hunter: shoots deer in the woods
        brewer: makes beer
        weaver: makes cloth on a loom
        cobbler: mends shoes
        cashier: takes the money in a supermarket
        postman: brings letters to the door
        tutor: gives lessons to one pupil at home
        milkman: brings milk to the door
        roofer: repairs roofs
        chemist: mixes substances in a laboratory
        mathematician: proves theorems
    """,
    "train": """
        baker: bakes bread
        farmer: grows wheat
        teacher: teaches a class at school
        dentist: pulls bad teeth
        pilot: flies planes
        butcher: cuts up meat for sale
        carpenter: makes furniture out of wood
        barber: cuts hair and beards
        judge: decides cases in court
        waiter: serves the guests of a restaurant
        tailor: sews suits
        photographer: takes pictures with a camera
        fisherman: goes out to sea to catch fish
        miner: digs for coal under the ground
        gardener: looks after the plants in a park
        librarian: lends out books
        mechanic: repairs cars
        actor: plays a part on a stage
        soldier: fights in an army
        astronaut: flies into space
        sailor: works on a ship
        singer: sings in an opera
        poet: writes poems
        nurse: cares for the sick in a hospital
    """,
}
FRAMES = {
    "test": "What do you call a person who {}?",
    "dev": "Somebody {} for a living. What is this occupation called?",
    "train": "Name the occupation of one who {}.",
}
DOES = {split: dict(re.findall(r"(\w+): (.+)", rows)) for split, rows in WORK.items()}


def draft(slot: Slot) -> Draft:
    """Open, between four occupations."""
    text = FRAMES[slot.split].format(DOES[slot.split][slot.story])
    return Draft(text=text, answer=slot.story, others=slot.wrong(slot.story, list(DOES[slot.split])))


FAMILY = Family(use="replay", stories={split: tuple(does) for split, does in DOES.items()}, draft=draft)
