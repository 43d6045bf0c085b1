"""Folded layers are made once, and anew when a weight changes."""

from __future__ import annotations

import copy
import pickle

import torch

from mdfloss import DiscriminatorBank, MDFLoss, mdf_loss
from mdfloss.conditioning import whiten


def test_folds_follow_the_weights(tiny_bank: DiscriminatorBank, generator: torch.Generator) -> None:
    target = torch.rand(2, 3, 32, 32, generator=generator)
    pair = target + 0.1 * torch.randn(target.shape, generator=generator), target
    bank = whiten(tiny_bank, target, pair[0])
    loss = MDFLoss(bank)
    folds, before = loss._folds, loss(*pair)
    for stack in ([loss.bank[0]], list(loss.bank)):
        kept = folds.layers(stack, loss.definition, torch.float32)
        assert folds.layers(stack, loss.definition, torch.float32) is kept
    with torch.no_grad():
        loss.bank[0].head.conv.weight.mul_(2)
    changed = loss(*pair)
    assert not torch.equal(changed, before)
    torch.testing.assert_close(changed, mdf_loss(*pair, loss.bank, definition=loss.definition))
    loss.load_state_dict(MDFLoss(bank).state_dict())
    torch.testing.assert_close(loss(*pair), before)
    double = pickle.loads(pickle.dumps(copy.deepcopy(loss))).double()
    torch.testing.assert_close(double(*(x.double() for x in pair)).float(), before)
