"""How what the core says is written down: JSON, by msgspec."""
