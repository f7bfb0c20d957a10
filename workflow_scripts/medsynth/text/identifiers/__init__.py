"""Forms in which texts tell who they are about: names, dates, addresses and numbers."""
