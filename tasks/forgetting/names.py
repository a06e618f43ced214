"""The people of the forgetting suite; no split shares a name with another."""

NAMES = {
    "test": ("Agnes", "Basil", "Clara", "Dennis", "Elsa", "Frank", "Gwen", "Harold", "Irma", "Jasper"),
    "dev": ("Kurt", "Lena", "Mabel", "Nigel", "Opal", "Percy", "Rosa", "Stan", "Tilda", "Victor"),
    "train": ("Anton", "Bella", "Colin", "Daphne", "Ernest", "Flora", "Gerald", "Hazel", "Ivor", "Joyce"),
}
