"""Whether contrast medium was given, from headers, texts and brightness."""
