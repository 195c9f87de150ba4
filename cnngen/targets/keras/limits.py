"""What Keras cannot express."""

from cnngen.targets.limits import LISTED, OUTGROWN, PAIR, Limit

NO_GROUPS = Limit("Keras' Conv2DTranspose has no groups", frozenset({"transposed_conv"}))
MIXED = Limit(
    "the `Orthogonal` of Keras mixes the channels of a depthwise kernel",
    frozenset({"depthwise_conv", "separable_conv"}),
    frozenset({"orthogonal"}),
)
LIMITS = (NO_GROUPS, MIXED, LISTED, OUTGROWN, PAIR)
