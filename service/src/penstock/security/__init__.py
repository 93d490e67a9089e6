"""Who calls and what they may do: principals, their roles, the files that name them. Whoever answers calls asks here (api/authorize.py)."""
