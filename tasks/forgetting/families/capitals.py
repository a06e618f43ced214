"""Capitals of countries, well-known ones and rarer ones."""

from offbook.tasks.forgetting.question import Draft, Family, Slot

CAPITALS = {  # country, capital, continent; the best known first, without those that training prompts ask for
    "test": """
        Russia, Moscow, Europe
        China, Beijing, Asia
        Denmark, Copenhagen, Europe
        Belgium, Brussels, Europe
        Poland, Warsaw, Europe
        Thailand, Bangkok, Asia
        Norway, Oslo, Europe
        Iran, Tehran, Asia
        Peru, Lima, America
        Kenya, Nairobi, Africa
        Vietnam, Hanoi, Asia
        Hungary, Budapest, Europe
        Finland, Helsinki, Europe
        Nepal, Kathmandu, Asia
        Nigeria, Abuja, Africa
        Venezuela, Caracas, America
        Syria, Damascus, Asia
        Jamaica, Kingston, America
        Ghana, Accra, Africa
        Croatia, Zagreb, Europe
        Serbia, Belgrade, Europe
        Bangladesh, Dhaka, Asia
        Jordan, Amman, Asia
        Algeria, Algiers, Africa
        Senegal, Dakar, Africa
        Uruguay, Montevideo, America
        Tunisia, Tunis, Africa
        Zimbabwe, Harare, Africa
        Latvia, Riga, Europe
        Uganda, Kampala, Africa
        Mongolia, Ulaanbaatar, Asia
        Sudan, Khartoum, Africa
        Albania, Tirana, Europe
        Oman, Muscat, Asia
        Angola, Luanda, Africa
        Honduras, Tegucigalpa, America
        Laos, Vientiane, Asia
        Eritrea, Asmara, Africa
        Guyana, Georgetown, America
        Suriname, Paramaribo, America
    """,
    "dev": """
        Germany, Berlin, Europe
        Austria, Vienna, Europe
        Portugal, Lisbon, Europe
        Sweden, Stockholm, Europe
        Ireland, Dublin, Europe
        Scotland, Edinburgh, Europe
        Cuba, Havana, America
        Turkey, Ankara, Asia
        Iraq, Baghdad, Asia
        Chile, Santiago, America
        Afghanistan, Kabul, Asia
        Lebanon, Beirut, Asia
        Romania, Bucharest, Europe
        Morocco, Rabat, Africa
        Indonesia, Jakarta, Asia
        Pakistan, Islamabad, Asia
        Bulgaria, Sofia, Europe
        Libya, Tripoli, Africa
        Ecuador, Quito, America
        Iceland, Reykjavik, Europe
        Somalia, Mogadishu, Africa
        Estonia, Tallinn, Europe
        Armenia, Yerevan, Asia
        Nicaragua, Managua, America
        Zambia, Lusaka, Africa
        Bahrain, Manama, Asia
        Rwanda, Kigali, Africa
    """,
}
FRAMES = {"test": "What is the capital of {}?", "dev": "Which city is the capital of {}?"}
PLACES = {
    split: {country: (capital, continent) for country, capital, continent in (row.strip().split(", ") for row in rows)}
    for split, rows in ((split, text.strip().splitlines()) for split, text in CAPITALS.items())
}


def draft(slot: Slot) -> Draft:
    """Open; at level 2 the other capitals are of the same continent."""
    places = PLACES[slot.split]
    answer, continent = places[slot.story]
    pool = [capital for capital, where in places.values() if slot.level == 1 or where == continent]
    return Draft(text=FRAMES[slot.split].format(slot.story), answer=answer, others=slot.wrong(answer, pool))


FAMILY = Family(use="read", stories={split: tuple(places) for split, places in PLACES.items()}, draft=draft)
