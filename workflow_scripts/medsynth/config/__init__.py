"""The configuration: one pydantic model (:mod:`.whole`) is its only truth; a module a subject."""
