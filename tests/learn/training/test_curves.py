"""The picture of a run's log."""

import json

import pytest

pytest.importorskip("torch")

from pellucid.learn.training.curves import draw_curves  # noqa: E402


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("losses", [(0.1, 0.02), (0.1, -0.4), (-3.4, -3.6)])
def test_a_loss_of_any_sign_is_drawn(tmp_path, losses):
    figures = {"psnr": 30.0, "psnr_y": 31.0, "given_psnr": 28.0, "given_psnr_y": 29.0}
    records = [{"step": i, "loss": loss} for i, loss in enumerate(losses, 1)] + [{"step": 2, **figures}]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, records)))
    draw_curves(tmp_path / "log.jsonl", tmp_path / "curves.png", "a run")
    assert (tmp_path / "curves.png").stat().st_size > 1000
