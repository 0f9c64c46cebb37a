"""Where the books are kept: a journal on disk, a database behind it, and the writer between them."""
