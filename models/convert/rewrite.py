"""Simplifies a graph before it is lowered, so that it needs fewer layers."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import torch

from .graph import Node

ELEMENTWISE = ("act", "affine", "add", "mul")


def reachable(output: Node) -> list[Node]:
    """The nodes that a result needs, each after its inputs, otherwise in the order in which they were made."""
    found, open_nodes, takers = {output}, [output], Counter[Node]()
    readers: dict[Node, list[Node]] = {}
    while open_nodes:
        node = open_nodes.pop()
        for source in node.inputs:
            takers[node] += 1
            readers.setdefault(source, []).append(node)
            if source not in found:
                found.add(source)
                open_nodes.append(source)
    heap = [(node.serial, id(node), node) for node in found if not node.inputs]
    result = []
    while heap:
        *_, node = heapq.heappop(heap)
        result.append(node)
        for reader in readers.get(node, []):
            takers[reader] -= 1
            if not takers[reader]:
                heapq.heappush(heap, (reader.serial, id(reader), reader))
    return result


def up_to_output(output: Node) -> set[Node]:
    """The nodes with only arithmetic on samples between them and the result: their phases are in its order."""
    found, open_nodes = {output}, [output]
    while open_nodes:
        node = open_nodes.pop()
        if node.op in (*ELEMENTWISE, "pad", "shuffle"):
            new = [source for source in node.inputs if source not in found]
            found.update(new)
            open_nodes += new
    return found


def rebuilt(output: Node, change: Callable[[Node, Node, Counter[Node]], Node | None]) -> Node:
    """A graph with some nodes changed.

    `change` gets each node with its changed inputs, the original node, and how often nodes are used.
    """
    new: dict[Node, Node] = {}
    nodes = reachable(output)
    uses: Counter[Node] = Counter(source for node in nodes for source in node.inputs)
    for node in nodes:
        inputs = [new[source] for source in node.inputs]
        same = node if inputs == node.inputs else replace(node, inputs=inputs)
        uses[same] = uses[node]
        new[node] = change(same, node, uses) or same
        uses[new[node]] = uses[node]
    return new[output]


def picked(node: Node, order: tuple[int, ...], uses: Counter[Node]) -> Node | None:
    """The node with its channels in another order; None if that would cost a layer or others use its result."""
    if uses[node] > 1:
        return None
    if node.op == "conv" and node.groups == 1 and node.weight is not None:
        rows = list(order)
        return replace(node, channels=len(order), weight=node.weight[rows],
                       bias=None if node.bias is None else node.bias[rows])
    if node.op in ("act", "affine", "add"):
        inputs = [picked(source, order, uses) if source.channels == node.channels else source
                  for source in node.inputs]
        if inputs[0] is None:
            return None
        both = [replaced or Node("pick", [source], len(order), source.name, source.grid, source.kind, order=order,
                                 serial=source.serial)
                for replaced, source in zip(inputs, node.inputs, strict=True)]
        values = None if node.values is None else node.values[..., list(order)]
        return replace(node, inputs=both, channels=len(order), values=values)
    return None


def reorder(node: Node, _: Node, uses: Counter[Node]) -> Node | None:
    """Channels in another order: reorder the rows of the convolution that makes them."""
    if node.op == "pick" and len(node.order) == len(set(node.order)) == node.inputs[0].channels:
        return picked(node.inputs[0], tuple(node.order), uses)
    return None


def divide(output: Node) -> Node:
    """Split convolutions (with an activation) of which others take slices: one convolution for each slice."""
    takers: dict[Node, list[Node]] = {}
    for node in reachable(output):
        for source in node.inputs:
            takers.setdefault(source, []).append(node)

    def change(node: Node, old: Node, _: Counter[Node]) -> Node | None:
        if node.op != "pick" or list(node.order) != list(range(node.order[0], node.order[-1] + 1)):
            return None
        source, was = node.inputs[0], old.inputs[0]
        taken = [c for taker in takers[was] for c in set(taker.order)]
        if any(taker.op != "pick" for taker in takers[was]) or len(taken) != len(set(taken)) or was is output:
            return None
        alone = was.op == "conv" or (was.op == "act" and was.inputs[0].op == "conv" and
                                     len(takers[was.inputs[0]]) == 1)
        once = Counter([source, *source.inputs])
        return picked(source, tuple(node.order), once) if alone else None

    return rebuilt(output, change)


def both_signs(node: Node, _: Node, uses: Counter[Node]) -> Node | None:
    """ReLU of x and of -x side by side (CReLU), x a convolution's result: one convolution with twice the rows."""
    if node.op != "concat" or len(node.inputs) != 2:
        return None
    first, second = node.inputs
    if not (first.op == second.op == "act" and first.how == second.how == "relu") or second.inputs[0].op != "affine":
        return None
    negative, conv = second.inputs[0], first.inputs[0]
    if conv.op != "conv" or negative.inputs != [conv] or conv.groups > 1 or conv.weight is None or \
            negative.values is None or uses[conv] > 2 or \
            not torch.equal(negative.values, torch.tensor([[-1.0], [0.0]]).double().expand(2, conv.channels)):
        return None
    doubled = replace(conv, channels=2 * conv.channels, weight=torch.cat([conv.weight, -conv.weight]),
                      bias=None if conv.bias is None else torch.cat([conv.bias, -conv.bias]))
    uses[doubled] = 1
    return replace(first, inputs=[doubled], channels=node.channels, name=node.name, serial=node.serial)


def silu(node: Node, old: Node, uses: Counter[Node]) -> Node | None:
    """SiLU from x sigmoid(x), which some programs write instead."""
    if node.op != "mul":
        return None
    for x, gate in (node.inputs, node.inputs[::-1]):
        if gate.op == "act" and gate.how == "sigmoid" and gate.inputs[0] is x and uses[gate] == 1:
            uses[x] -= 1
            return replace(node, op="act", inputs=[x], how="silu")
    return None


def simplified(output: Node) -> Node:
    for change in (silu, both_signs, reorder):
        output = rebuilt(output, change)
    return divide(output)
