"""Beam's own tests, from the installed wheel, with LocalRunner in place of its local runners.

`tox -e beam` runs them. modules.py says which, exceptions.txt which may fail and why; plugin.py is
what pytest loads.
"""
