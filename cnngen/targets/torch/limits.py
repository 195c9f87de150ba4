"""What the PyTorch target cannot express."""

from cnngen.targets.limits import PAIR, Limit

NO_CALL = Limit("a block cannot consist of it alone, because its template is no call")
OUTGROWN = Limit("the expressions for its channels outgrow what can be printed")
LIMITS = (NO_CALL, OUTGROWN, PAIR)
