"""The driving adapters; importing them sets the garbage collector of the process for its load."""

import gc

GC_GENERATION_0_THRESHOLD_OBJECTS = 10_000
"""New objects before a collection of the youngest generation; one submission creates some hundreds."""

gc.set_threshold(GC_GENERATION_0_THRESHOLD_OBJECTS)
