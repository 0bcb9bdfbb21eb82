"""The reference, made from the code: each module makes one kind of page, as Markdown."""
