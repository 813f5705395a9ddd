"""Records that a shop keeps."""
