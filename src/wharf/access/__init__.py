"""Who may do what: principals, actions, grants, and the one pure function that decides.

Facts come in as values and a decision with its reason goes out. This room reads no database: `content` loads the facts
and is the door that asks; `accounts` says who a caller is.
"""
