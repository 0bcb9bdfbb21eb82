"""The downstream of the reference service: what articles cost, over real HTTP.

A stand-in for another team's service. One article, ``SKU-OUTAGE``, always fails, so that errors of a dependency
can be seen without breaking anything.
"""
