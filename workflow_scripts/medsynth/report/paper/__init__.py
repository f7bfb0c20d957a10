"""What a paper needs of a study: model cards, a methods paragraph, references."""
