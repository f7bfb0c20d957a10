"""Self-made raw data in the true formats and folder layouts of MIMIC-CXR, the GDC and TCIA.

What an image shows depends on its label in a way that each module states, so that a whole run can
be judged without a download. No real person is behind any of it.
"""
