"""`/api/v1/organization/…`: organizations, their members, teams and robots.

Says how each of them looks; who may do what is asked of `accounts.membership`.
"""
