"""What the PyTorch target cannot express."""

from cnngen.targets.limits import LISTED, OUTGROWN, PAIR, Limit

NO_CALL = Limit("a block cannot consist of it alone, because its template is no call")
LIMITS = (NO_CALL, LISTED, OUTGROWN, PAIR)
