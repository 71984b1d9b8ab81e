"""The driving adapters; whoever imports them is a process of the fee office."""

import gc

GC_GENERATION_0_THRESHOLD_OBJECTS = 10_000
"""Objects that may be new before the collector looks for garbage among them; a submission makes some hundreds."""

gc.set_threshold(GC_GENERATION_0_THRESHOLD_OBJECTS)
