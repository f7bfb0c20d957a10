"""Loaded by every Python process that tests start: hundreds, most of whose time is imports.

What these make stays to the end. To look through it for garbage, and at last to take it apart,
costs a sixth of a workflow's time.
"""

import atexit
import gc

gc.set_threshold(50_000)
atexit.register(gc.freeze)
