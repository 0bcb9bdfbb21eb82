"""Many services at once, from their filed cards: reading them, the numbers, a page and a table.

Reading is apart from the rest, which is pure: the same cards, the same day and the same filters give the same numbers.
"""
