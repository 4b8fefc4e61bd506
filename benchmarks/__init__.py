"""The budgets of docs/budgets.md, measured: one module a budget, `run` for all of them (`make bench`)."""
