"""The reference evaluator: Google's ZetaSQL as WebAssembly, in a process of its own.

This folder alone knows the package `zetasql`. Above it one sees `client.Reference`: a statement and
its tables go in, Arrow rows or BigQuery's error come out.

    client.py    the caller's side: starts the worker, bounds its time, starts it again
    worker.py    the worker's side: one request after the other
    statement.py a statement: its tables, what the analyzer says of it, its rows
    values.py    Arrow's values and types to the evaluator's and back
    language.py  which of ZetaSQL's features BigQuery has
    engine.py    the WebAssembly instance and how it is called
    compiled.py  the machine code, made once on a machine
"""
