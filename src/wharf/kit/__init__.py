"""Small instruments that every floor above may use: the clock, identifiers, cryptography.

Owns no state and no policy. Refuses anything that knows what a registry is; such code belongs to a room with a noun.
"""
