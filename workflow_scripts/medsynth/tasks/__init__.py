"""What goes in, what comes out and how it is judged: a folder a task.

`wiring` says what the rules must know, `data` makes what a family trains on, `product` writes what
it makes, `evaluation` judges that, and `view` shows it on the page.
"""
