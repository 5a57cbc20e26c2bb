"""Cases for the whole public face of Google's client libraries, one package for each library.

The list of what must have a case is read from the installed library, so that a new version with a
new method fails here at once. A package for a library has its cases, marked by `covers`, and one
test that asks `uncovered` for each class.
"""
