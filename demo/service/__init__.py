"""The reference service: an orders API, written the way a team that has been paged at night writes one.

It is complete in itself: its modules import each other by relative names and nothing else of this distribution, so
that the folder can be copied into a repository under any name and run from there.
"""
