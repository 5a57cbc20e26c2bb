"""Rows on their way in and out: read, checked, known when they come again, written as cells."""
