"""Readable: the tensors, and the lists of them, that steps read by name."""

from dataclasses import dataclass, field

from cnngen.expressions.expression import Expression
from cnngen.plan.channels import Known
from cnngen.plan.map_channels import MapChannels
from cnngen.plan.program import Maps, Value
from cnngen.semantics.map_lists import names_in
from cnngen.semantics.network import Rank
from cnngen.syntax.tree import Identifier, ListName


@dataclass(frozen=True, slots=True)
class Readable:
    """What can be read at a place; a name is that of one tensor, of a list, or of a loop both."""

    tensors: dict[str, Value] = field(default_factory=dict[str, Value])
    lists: dict[str, Maps] = field(default_factory=dict[str, Maps])

    def note(self, name: str, value: Value) -> None:
        """Let a tensor, or a list of them that is carried, be read by a name."""
        if value.listed:
            self.tensors.pop(name, None)
            channels = MapChannels(value.channels)
            self.lists[name] = Maps((value.number,), channels, value.rank, name)
        else:
            self.tensors[name] = value

    def follow(self, name: Identifier) -> Value:
        """What `from` reads: a list, too, if a step gives one."""
        whole = not isinstance(name, ListName) or name.index is None
        if whole and name.text not in self.tensors:
            maps = self.lists[name.text]
            return Value(maps.numbers[0], maps.channels.listed, maps.rank, listed=True)
        return self.read(name)

    def read(self, name: Identifier) -> Value:
        """A tensor, or one of a list."""
        if not isinstance(name, ListName) or name.index is None:
            return self.tensors[name.text]
        maps = self.lists[name.text]
        return Value(maps.numbers[0], maps.channels.at(name.index), maps.rank)

    def listed(self, maps: Expression) -> Maps:
        """A list of tensors that a spec makes of others."""
        numbers: list[int] = []
        ranks: list[Rank] = []
        for name in names_in(maps):
            whole = isinstance(name, ListName) and name.index is None
            part = self.lists[name.text] if whole else self.read(name)
            numbers += part.numbers if isinstance(part, Maps) else (part.number,)
            ranks.append(part.rank)
        channels = self.channels().listed(maps)
        assert channels is not None, "all that can be read is known"
        return Maps(tuple(dict.fromkeys(numbers)), channels, ranks[0])

    def channels(self) -> Known:
        """The channels of what can be read."""
        maps = {name: value.channels for name, value in self.tensors.items()}
        return Known(maps, {name: value.channels for name, value in self.lists.items()})
