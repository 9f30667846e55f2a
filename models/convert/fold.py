"""Arithmetic on samples: put into the step that made them if nothing else reads them, else a step of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .errors import ConvertError
from .graph import FULL, PIXEL, Node
from .steps import Channel, Map, Option, Program, Ref, Step, Value


def number(value: float) -> str:
    """As in JSON, exact for single precision."""
    return f"{value:.9g}" if float(f"{value:.6g}") != value else f"{value:.6g}"


class Folding(Program):
    """The handlers of act, affine, add, mul and up."""

    values: dict[Node, Value]
    uses: dict[Node, int]
    about: dict[str, str]
    extend: int

    # Where channels lie

    def contiguous(self, channels: Sequence[Channel], kind: str, name: str) -> Ref:
        """The channels side by side in this order: already so, stacked, or gathered by a convolution."""
        value = Value(list(channels), kind=kind)
        ref = value.ref()
        if ref:
            return ref
        runs: list[Ref] = []
        for m, c in channels:
            if runs and runs[-1].map is m and runs[-1].end == c:
                runs[-1].end += 1
            else:
                runs.append(Ref(m, c, c + 1))
        roots = {m.place(0)[0] for m in value.maps()}
        if len(roots) > 1 and len(runs) <= 64 and kind == FULL:
            return Ref(self.stacked(runs, f"{name}_cat"), 0, len(channels))
        if len(roots) > 1:
            raise ConvertError(f"{name}: channels of {len(roots)} maps in an order that takes too many copies")
        return Ref(self.gathered(value, name), 0, len(channels))

    def gathered(self, value: Value, name: str) -> Map:
        """A 1x1 convolution that copies channels of one map in this order."""
        source, weight = self.source(value.channels, torch.eye(len(value.channels))[:, :, None, None], value.kind)
        return self.fresh("conv", source, len(value.channels), f"{name}.gather", value.kind, weight)

    def source(self, channels: Sequence[Channel], weight: Tensor, kind: str) -> tuple[Ref, Tensor]:
        raise NotImplementedError

    def flagged(self, ref: Ref, beyond: str) -> Ref:
        """The slice with a border of kind `edge` or `mirror`, or of zeros (anything else)."""
        if beyond not in ("edge", "mirror") or ref.map.pad == beyond:
            if ref.map.pad and ref.map.pad != beyond:
                raise ConvertError(f"{ref}: read with two kinds of border")
            return ref
        known = self.repeated.get((ref.map, ref.begin, ref.end, beyond))
        if known is None:
            known = self.fresh("copy", ref, ref.end - ref.begin, f"{ref.map.name}_{beyond}")
            known.pad, known.fixed = beyond, True
            known.writers[0].options["pad"] = Option(beyond)
            self.repeated[ref.map, ref.begin, ref.end, beyond] = known
        return Ref(known, 0, known.width)

    def __init__(self, colours: int) -> None:
        super().__init__(colours)
        self.repeated: dict[tuple[Map, int, int, str], Map] = {}

    # Folding

    def own(self, value: Value, option: str) -> Map | None:
        """The map that a value is, if an option can be put into all of its steps."""
        owner = None if value.shared or value.beyond else value.all_of()
        if owner is None or owner.fixed or not owner.writers or owner.parent or owner.pad:
            return None
        return owner if all(step.takes(option) for step in owner.writers) else None

    def arranged(self, value: Value, owner: Map, other: Value) -> Value:
        """`other` in the order in which the channels of `value` lie in `owner`."""
        if len(other.channels) == 1:
            return other
        at = {channel: i for i, channel in enumerate(value.channels)}
        return Value([other.channels[at[owner, c]] for c in range(owner.width)], other.n, other.kind)

    def put(self, owner: Map, option: str, ref: Ref, word: str = "") -> bool:
        """Put a map into an option of all steps that write `owner`; False if it is written later than these."""
        if not all(self.before(ref, step) for step in owner.writers):
            return False
        for step in owner.writers:
            step.options[option] = Option(word, ref.part(step.out.begin, step.out.end))
        return True

    def copied(self, value: Value, name: str) -> tuple[Map, Value]:
        """A copy of a value, to put options into."""
        whole = value.all_of()
        ref = Ref(whole, 0, whole.width) if whole else self.contiguous(value.channels, value.kind, name)
        result = self.fresh("copy", ref, len(value.channels), name, value.kind)
        channels = [(result, c if whole else i) for i, (_, c) in enumerate(value.channels)]
        return result, Value(channels, value.n, value.kind, value.inset)

    def joined(self, value: Value, name: str) -> Value:
        """The value with all channels in one map."""
        if len({m.place(0)[0] for m in value.maps()}) == 1:
            return value
        ref = self.contiguous(value.channels, value.kind, name)
        channels = [(ref.map, c) for c in range(ref.begin, ref.end)]
        return Value(channels, value.n, value.kind, value.inset, shared=True)

    def check_border(self, value: Value, name: str) -> None:
        if value.beyond:
            raise ConvertError(f"{name}: arithmetic on a padded map is not supported")

    def lower_act(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        self.check_border(x, node.name)
        if node.how == "sigmoid" and self.deferred(node):
            return x  # the product applies it
        owner, value = self.own(x, "act"), x
        if owner is None:
            owner, value = self.copied(x, node.name)
        slopes = None
        if node.values is not None:
            at = {channel: i // x.n**2 for i, channel in enumerate(value.channels)}
            slopes = node.values[[at[owner, c] for c in range(owner.width)]]
        for step in owner.writers:
            mine = None if slopes is None else slopes[step.out.begin:step.out.end]
            name = node.name if node.name.endswith(".weight") else f"{node.name}.weight"
            step.options["act"] = Option(node.how, slopes=mine, name=name)
        return value

    def deferred(self, node: Node) -> str:
        """How a product applies this sigmoid: `sigmoid` or `sigmoid-half`; empty if it cannot."""
        takers = [other for other in self.nodes if node in other.inputs]
        if self.uses[node] != 1 or len(takers) != 1:
            return ""
        (taker,) = takers
        if taker.op == "mul":
            other = [source for source in taker.inputs if source is not node]
            return "sigmoid" if other and not (other[0].how == "sigmoid" and other[0].serial < node.serial) else ""
        if taker.op == "affine" and taker.values is not None and bool((taker.values[0] == 1).all()) \
                and bool((taker.values[1] == -0.5).all()) and self.uses[taker] == 1:
            return "sigmoid-half" if any(taker in other.inputs for other in self.nodes if other.op == "mul") else ""
        return ""

    nodes: list[Node]

    def factor(self, node: Node) -> str:
        """How a product applies the sigmoid of a factor; empty if that has none."""
        if node.op == "act" and node.how == "sigmoid":
            return self.deferred(node)
        if node.op == "affine" and node.inputs[0].how == "sigmoid":
            return self.deferred(node.inputs[0])
        return ""

    def lower_affine(self, node: Node) -> Value:
        x = self.values[node.inputs[0]]
        self.check_border(x, node.name)
        assert node.values is not None
        if node.inputs[0].how == "sigmoid" and self.deferred(node.inputs[0]) == "sigmoid-half":
            return x
        gain, shift = node.values
        if node.inputs[0].op == "x" and self.uses[node.inputs[0]] == 1 and bool((gain != 0).all()) and not self.extend:
            self.about |= {key: " ".join(number(float(v)) for v in (values[:1] if len(set(values.tolist())) == 1
                                                                    else values))
                           for key, values, none in (("mean", 0 - shift / gain, 0), ("gain", gain, 1))
                           if bool((values != none).any())}
            return x
        gain, shift = (values.repeat_interleave(x.n**2) for values in (gain, shift))
        owner = self.own(x, "add")
        if owner and all(step.operation in ("conv", "depthwise") for step in owner.writers):
            at = {channel: i for i, channel in enumerate(x.channels)}
            for step in owner.writers:
                mine = [at[owner, c] for c in range(step.out.begin, step.out.end)]
                weight, bias = step.own_tensors()
                step.weight = (weight * gain[mine, None, None, None]).float()
                if bias is not None or bool((shift != 0).any()):
                    step.bias = ((0 if bias is None else bias * gain[mine]) + shift[mine]).float()
            return x
        ref = self.contiguous(x.channels, x.kind, node.name)
        operation, weight = "depthwise", gain[:, None, None, None].float()
        if x.kind == PIXEL:
            operation, weight = "conv", torch.diag(gain)[:, :, None, None].float()
        result = self.fresh(operation, ref, len(gain), node.name, x.kind, weight,
                            shift.float() if bool((shift != 0).any()) else None)
        return Value([(result, c) for c in range(len(gain))], x.n, x.kind, x.inset)

    def operands(self, node: Node) -> tuple[Value, Value]:
        """Both values, with as many channels each; the second may keep one channel for all."""
        a, b = (self.values[source] for source in node.inputs)
        for value in (a, b):
            self.check_border(value, node.name)
        inset = max(a.inset, b.inset)
        if b.kind == PIXEL != a.kind:
            inset = a.inset
        channels = b.channels
        if node.inputs[1].channels == 1 != node.channels and (b.n > 1 or b.kind == PIXEL):
            channels = b.channels * node.channels
        if b.kind == PIXEL != a.kind:
            channels = [channel for channel in channels for _ in range(a.n**2)]
        return (Value(a.channels, a.n, a.kind, inset, shared=a.shared),
                Value(channels, b.n, b.kind, inset, shared=b.shared))

    def lower_add(self, node: Node) -> Value:
        a, b = (self.joined(value, node.name) for value in self.operands(node))
        for first, second in ((a, b), (b, a)):
            if len(first.channels) < len(second.channels):
                continue
            for option in ("add", "plus"):
                owner = self.own(first, option)
                ref = self.arranged(first, owner, second).ref() if owner else None
                if owner and ref and ref.map is not owner and \
                        (option == "plus" or not any("act" in step.options for step in owner.writers)) and \
                        self.put(owner, option, ref):
                    return first
        for first, second in ((a, b), (b, a)):  # a convolution that gathers one and adds the other
            if second.ref() is None and len(second.maps()) == 1:
                ref = self.contiguous(first.channels, first.kind, node.name)
                owner = self.gathered(second, node.name)
                owner.writers[0].options["add"] = Option(ref=ref)
                return Value([(owner, c) for c in range(owner.width)], a.n, a.kind, a.inset)
        owner, value = self.copied(a, node.name)
        self.late(owner, "add", self.contiguous(self.arranged(value, owner, b).channels, b.kind, node.name))
        return value

    def late(self, owner: Map, option: str, ref: Ref, word: str = "") -> None:
        """Put a map into an option of the owner's only step, moving the step to the end if the map is newer."""
        (step,) = owner.writers
        if not self.before(ref, step):
            self.steps.remove(step)
            self.steps.append(step)
        step.options[option] = Option(word, ref)

    def lower_mul(self, node: Node) -> Value:
        a, b = self.operands(node)
        how = [self.factor(source) for source in node.inputs]
        if how[0] and how[1]:
            how[0] = ""
        if how[0] and len(b.channels) == len(a.channels) and b.kind == a.kind:  # make the sigmoid the second
            a, b, how = b, a, how[::-1]
        gate = self.gated(a, b, how[1])
        if gate:
            return gate
        tries = [(a, b, how[1])] if how[1] else [(a, b, ""), (b, a, "")]
        for first, second, word in tries:
            if len(first.channels) < len(second.channels) or first.kind == PIXEL != second.kind or how[0]:
                continue
            owner = self.own(first, "times")
            ref = self.arranged(first, owner, second).ref() if owner else None
            if owner and ref and ref.map is not owner and self.put(owner, "times", ref, word and f"{word}:"):
                return first
        owner, value = self.copied(a, node.name)
        if how[0]:  # the sigmoid has more channels or pixels than the other factor
            owner.writers[0].options["act"] = Option("sigmoid")
        ref = self.contiguous(self.arranged(value, owner, b).channels, b.kind, node.name)
        self.late(owner, "times", ref, how[1] and f"{how[1]}:")
        return value

    def gated(self, a: Value, b: Value, how: str) -> Value | None:
        """sigmoid(b) times a, computed in the steps that make b; None if that does not work."""
        if how != "sigmoid" or a.kind != b.kind or len(a.channels) != len(b.channels):
            return None
        owner = self.own(b, "gate")
        ref = self.arranged(b, owner, a).ref() if owner else None
        if owner and ref and ref.map is not owner and self.put(owner, "gate", ref):
            return b
        return None

    def lower_up(self, node: Node) -> Value:
        base, small = (self.values[source] for source in node.inputs)
        if base.n > 1 or base.inset or base.beyond:
            raise ConvertError(f"{node.name}: ESA's mask is not on the network's coarsest grid")
        owner, value = self.own(base, "up"), base
        ref = self.arranged(base, owner, small).ref() if owner else None
        if not (owner and ref and self.put(owner, "up", ref)):
            owner, value = self.copied(base, node.name)
            small = self.arranged(value, owner, small)
            self.late(owner, "up", self.contiguous(small.channels, small.kind, node.name))
        return value

    def finish(self, value: Value) -> None:
        """Make the value the last step's map, which is the result."""
        last = self.steps[-1] if self.steps else None
        owner = self.own(value, "pad")
        if last and owner and owner.writers == [last] and last.weight is not None and \
                all(option.ref is None for option in last.options.values()):
            self.order_rows(last, [c for _, c in value.channels])
            return
        ref = value.ref()
        if last and ref and not last.out.map.parent and not last.out.map.stack and \
                (ref.map, ref.begin, ref.end) == (last.out.map, 0, last.out.map.width):
            return
        if ref:
            self.fresh("copy", ref, len(value.channels), "result")
        else:
            self.gathered(value, "result")

    @staticmethod
    def order_rows(step: Step, order: Sequence[int]) -> None:
        """Put a convolution's output channels in another order."""
        weight, bias = step.own_tensors()
        rows = list(order)
        if rows == list(range(len(weight))):
            return
        step.weight, step.bias = weight[rows], None if bias is None else bias[rows]
        for option in step.options.values():
            option.slopes = None if option.slopes is None else option.slopes[rows]
