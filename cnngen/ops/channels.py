"""Channels: what moves, adds or leaves out channels, and what weighs groups of them."""

from collections.abc import Mapping

from cnngen.expressions.algebra import equal
from cnngen.expressions.expression import Apply, Binary, Constant, Expression
from cnngen.ops.attribute import integer, integers
from cnngen.ops.base import Image, Op, Shape, ShapeError, check_groups, image, plus


class OfChannels(Op, group="reshaping"):
    """What gives maps of the size of those that it is given."""

    gives = "image"
    keeps = "nothing"


class ChannelShuffle(OfChannels, name="channel_shuffle"):
    """The first channel of each group, then the second of each, and so on, as in ShuffleNet."""

    groups = integer("groups of adjacent channels that are mixed")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        check_groups(self.groups, input=x.channels)
        return x


class OneGroup(OfChannels):
    """What gives as many channels as one of its `groups` has."""

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        groups = arguments["groups"]
        match inputs[0]:
            case Binary("*", times, each) | Binary("*", each, times) if equal(times, groups):
                return each
            case channels:
                return Binary("//", channels, groups)


class ChannelGroup(OneGroup, name="channel_group"):
    """One of the groups of adjacent channels.

    Branches that begin with one group each split the channels among them.
    """

    index = integer("which group, counted from 0", min=0)
    groups = integer("groups of adjacent channels")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if self.index >= self.groups:
            raise ShapeError(
                f"there is no group {self.index} among {self.groups}",
                code="out-of-range",
                attribute="index",
                help=f"write `{self.groups - 1}` for the last one: groups are counted from 0",
            )
        return one_of(self.groups, x)


class GroupSoftmax(OfChannels, name="group_softmax"):
    """The softmax over the groups: channels that have one place in their groups sum to 1.

    These are the shares of as many branches whose `concat` is multiplied by them, and added up by
    `group_sum`, as in SKNet and ResNeSt.
    """

    keeps = "output"

    groups = integer("groups of adjacent channels")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        check_groups(self.groups, input=x.channels)
        return x


class GroupSum(OneGroup, name="group_sum"):
    """The sum of the groups: the first channels of all are the first one, and so on.

    It makes of a `concat` of equal branches what `add` makes of them.
    """

    groups = integer("groups of adjacent channels")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        return one_of(self.groups, x)


class SliceChannels(OfChannels, name="slice_channels"):
    """The channels from `start` to `stop`, the latter excluded."""

    start = integer("first channel, counted from 0", 0, min=0)
    stop = integer("channel after the last")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if self.stop > x.channels:
            raise ShapeError(
                f"`slice_channels` stops at {self.stop}, but there are only {x.channels} channels",
                attribute="stop",
                help=f"use `stop: {x.channels}` for all that follow `start`",
            )
        if self.stop <= self.start:
            raise ShapeError(
                f"no channel lies between {self.start} and {self.stop}",
                code="empty-output",
                attribute="stop",
                help="use a `stop` that is larger than `start`",
            )
        return Image(self.stop - self.start, x.height, x.width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        start, stop = arguments["start"], arguments["stop"]
        return stop if start == Constant(0) else Binary("-", stop, start)


class GatherChannels(OfChannels, name="gather_channels"):
    """The channels that a list names, in its order; it may name one several times.

    With a `conv` of as many groups behind it, each output channel reads channels of its own choice.
    """

    channels_ = integers("the channels to take, counted from 0")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        if not self.channels_:
            raise ShapeError(
                "`gather_channels` takes no channel",
                code="empty-output",
                attribute="channels",
                help="list one at least",
            )
        if max(self.channels_) >= x.channels:
            raise ShapeError(
                f"`gather_channels` takes channel {max(self.channels_)},"
                f" but there are only {x.channels} channels",
                code="out-of-range",
                attribute="channels",
                help=f"channels are counted from 0, so the last one is {x.channels - 1}",
            )
        return Image(len(self.channels_), x.height, x.width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return Apply("len", (arguments["channels"],))


class PadChannels(OfChannels, name="pad_channels"):
    """Channels of zeros before and after those of the input."""

    before = integer("channels to add before the first", 0, min=0)
    after = integer("channels to add after the last", 0, min=0)

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        return Image(x.channels + self.before + self.after, x.height, x.width)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return plus(plus(inputs[0], arguments["before"]), arguments["after"])


def one_of(groups: int, x: Image) -> Image:
    """One of several groups of channels, or what is as large."""
    check_groups(groups, input=x.channels)
    return Image(x.channels // groups, x.height, x.width)
