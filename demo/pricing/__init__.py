"""The downstream of the reference service: what articles cost, over real HTTP.

A stand-in for another team's service. One article, ``SKU-OUTAGE``, always fails, and ``SKU-SLOW`` takes half a
second, so that errors and slowness of a dependency can be seen without breaking anything.
"""
