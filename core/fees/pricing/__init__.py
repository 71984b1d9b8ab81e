"""Pricing rules: a schedule is a list of rules, and each kind of rule is one module."""
