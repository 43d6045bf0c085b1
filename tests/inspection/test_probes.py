"""Probes: equal energy, the right frequency and colour, noise that is exact at every place."""

import math

import pytest
import torch

from mdfloss.inspection.probes import (
    COLOURS,
    axis_noise,
    band_noise,
    cut_crops,
    grating,
    stratified_noise,
    white_noise,
)

SHAPE = (2, 3, 48, 40)


def _rms(probe: torch.Tensor) -> torch.Tensor:
    return probe.square().mean(dim=(1, 2, 3)).sqrt()


def test_colours_are_orthonormal() -> None:
    axes = torch.tensor(list(COLOURS.values()), dtype=torch.float64)
    assert torch.allclose(axes @ axes.T, torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("frequency", [1 / 48, 1 / 6, 1 / 2])
def test_gratings_have_unit_energy_their_frequency_and_colour(colour: str, frequency: float) -> None:
    probe = grating((48, 48), frequency=frequency, orientation=90, colour=colour, phases=torch.tensor([0.3, -1.0]))
    assert torch.allclose(_rms(probe), torch.ones(2), atol=1e-5)
    axis = torch.tensor(COLOURS[colour])
    plane = torch.einsum("nchw,c->nhw", probe, axis)
    assert torch.allclose(probe, plane[:, None] * axis.view(1, 3, 1, 1), atol=1e-5)
    spectrum = torch.fft.rfft2(plane.transpose(1, 2)).abs().amax(dim=0)
    assert divmod(int(spectrum.argmax()), spectrum.shape[1]) == (0, round(48 * frequency)), "bars lie horizontally"


def test_gratings_refuse_what_pixels_cannot_hold() -> None:
    with pytest.raises(ValueError, match=r"within \(0, 0.5\] cycles per pixel, got 0.6"):
        grating((8, 8), frequency=0.6, orientation=0, colour="luma", phases=torch.zeros(1))
    with pytest.raises(ValueError, match="one of luma, red-green, yellow-blue, got 'red'"):
        grating((8, 8), frequency=0.5, orientation=0, colour="red", phases=torch.zeros(1))


def test_noises_have_unit_energy_and_stay_in_their_span(generator: torch.Generator) -> None:
    for probe in (
        white_noise(SHAPE, generator=generator),
        axis_noise(SHAPE, colours=["red-green", "yellow-blue"], generator=generator),
        band_noise(SHAPE, low=0.25, high=1, generator=generator),
    ):
        assert probe.shape == SHAPE
        assert torch.allclose(_rms(probe), torch.ones(2), atol=1e-5)
    chroma = axis_noise(SHAPE, colours=["red-green", "yellow-blue"], generator=generator)
    assert chroma.sum(dim=1).abs().max() < 1e-5
    band = torch.fft.rfft2(band_noise(SHAPE, low=0.25, high=1, generator=generator))
    assert band[..., 0, 0].abs().max() < 1e-2
    assert band[..., 24, 20].abs().min() > 1e-2
    with pytest.raises(ValueError, match="no frequency of 48×40 px"):
        band_noise(SHAPE, low=0.9, high=1, generator=generator)


def test_stratified_noise_is_exact_at_every_place(generator: torch.Generator) -> None:
    noise = stratified_noise(8, (3, 20, 20), generator=generator)
    assert noise.mean(dim=0).abs().max() < 1e-6
    assert torch.allclose(noise.square().mean(dim=0), torch.ones(3, 20, 20), atol=1e-5)
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean()
    assert abs(float(neighbours)) < 4 / math.sqrt(8 * 3 * 20 * 19)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        stratified_noise(1, (3,), generator=generator)


def test_crops_come_from_all_pictures_and_prefer_contrast(generator: torch.Generator) -> None:
    pictures = [torch.full((1, 3, 40, 50), value) for value in (0.1, 0.2, 0.3)]
    crops = cut_crops(pictures, count=6, side=16, generator=generator)
    assert crops.shape == (6, 3, 16, 16)
    assert crops.mean(dim=(1, 2, 3)).unique().numel() == 3
    assert cut_crops(pictures, count=2, side=16, generator=generator)[:, 0, 0, 0].tolist() == pytest.approx([0.1, 0.2])
    half_flat = torch.cat([torch.full((1, 3, 64, 192), 0.5), torch.rand(1, 3, 64, 64, generator=generator)], dim=3)
    assert cut_crops([half_flat], count=1, side=32, tries=32, generator=generator).std() > 0.2
    with pytest.raises(ValueError, match="40×50 px and crops have 48 px"):
        cut_crops(pictures, count=1, side=48, generator=generator)
    with pytest.raises(ValueError, match="no picture"):
        cut_crops([], count=1, side=48, generator=generator)
