from __future__ import annotations

import torch

from marquee.training.adam import Adam


def test_its_steps_are_those_of_torch_to_the_bit():
    torch.manual_seed(0)
    start = [torch.randn(40, 8), torch.randn(8)]
    ours, theirs = ([torch.nn.Parameter(values.clone()) for values in start] for _ in range(2))
    one, other = Adam(ours, 0.01, 1e-3), torch.optim.Adam(theirs, lr=0.01, weight_decay=1e-3, fused=True)
    for _ in range(20):
        for (rows, bias), optimizer in ((ours, one), (theirs, other)):
            optimizer.zero_grad()
            ((rows @ bias - 1) ** 2).mean().backward()
            optimizer.step()
    assert all(torch.equal(mine, its) for mine, its in zip(ours, theirs, strict=True))


def test_a_parameter_without_a_gradient_is_left_alone():
    used, unused = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = Adam([used, unused], 0.1, 0.5)
    used.sum().backward()
    optimizer.step()
    assert used[0] < 1
    assert unused.tolist() == [1, 1]
