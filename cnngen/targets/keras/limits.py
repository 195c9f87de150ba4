"""What Keras cannot express."""

from cnngen.targets.limits import LISTED, OUTGROWN, PAIR, Limit

NO_GROUPS = Limit("Keras' Conv2DTranspose has no groups", frozenset({"transposed_conv"}))
NOT_DILATED = Limit(
    "a dilation of Keras' Conv2DTranspose runs in float32 only on CPUs, and not with a stride",
    frozenset({"transposed_conv"}),
)
MIXED = Limit(
    "the `Orthogonal` of Keras mixes the channels of a depthwise kernel",
    frozenset({"depthwise_conv", "separable_conv"}),
    frozenset({"orthogonal"}),
)
ONE_SIZE = Limit("its layers in Keras are for one size, and it is used again for another")
"""What pads or pools by the size of its input does so when it is made."""
LIMITS = (NO_GROUPS, NOT_DILATED, MIXED, LISTED, OUTGROWN, PAIR, ONE_SIZE)
