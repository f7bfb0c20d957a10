"""Settings of all tests."""

import os

# One thread a worker: two workers with two threads each would wait for each other. Set before
# torch and OpenMP start; child processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
