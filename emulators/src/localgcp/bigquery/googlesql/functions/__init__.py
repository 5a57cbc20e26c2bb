"""How each function of GoogleSQL is done, each with an example that the tests run.

table.py    the table: a name, the way, an example; and the page that shows it
values.py   functions of numbers, texts, arrays and the like
moments.py  functions of times, ranges, JSON and addresses
rows.py     aggregates, windows, and whole families that are refused
"""
