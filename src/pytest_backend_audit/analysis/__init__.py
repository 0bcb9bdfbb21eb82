"""Pure readers of what targets return: facts in, judgement out. No I/O, no clock, no pytest."""
