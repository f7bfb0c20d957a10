"""What each reason means for which a file cannot be had."""

REASONS = {
    "not_found": "the archive does not have it",
    "refused": "the archive refuses it: unknown, withdrawn or restricted",
    "unavailable": "the archive did not answer, or broke off, again and again",
    "wrong_checksum": "twice its bytes were not those that the archive lists",
    "incomplete": "the archive's ZIP lacks files or checksums",
    "unsafe": "the archive's ZIP has paths, links or sizes that no series has",
}
