from __future__ import annotations

import pytest
import torch

from marquee.training.networks.adam import Adam


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


@pytest.mark.parametrize("weight_decay", [0, 0.1])
def test_sparse_gradients_move_the_rows_that_have_one_as_torchs_sparse_adam_does(weight_decay):
    """Its penalty is that of the rows in the batch; here some rows never are."""
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Embedding(30, 4, sparse=True) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    before = ours.weight.detach().clone()
    one, other = Adam([ours.weight], 0.01, weight_decay), torch.optim.SparseAdam([theirs.weight], lr=0.01)
    for _ in range(5):
        rows = torch.randint(0, 20, (12,))
        for table, optimizer in ((ours, one), (theirs, other)):
            optimizer.zero_grad()
            (table(rows) - 1).square().sum().backward()
        touched = rows.unique()
        extra = weight_decay * theirs.weight.detach()[touched]
        theirs.weight.grad += torch.sparse_coo_tensor(touched[None], extra, (30, 4), check_invariants=False)
        one.step()
        other.step()
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=0, atol=1e-6)
    assert torch.equal(ours.weight[20:], before[20:])
    assert not torch.equal(ours.weight[:20], before[:20])
