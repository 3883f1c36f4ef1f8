"""Enlarging files: rows in, rows out, equal to the whole picture at once, with everything that a file carries."""

import io
from dataclasses import replace

import numpy as np
import pytest

import pellucid
from pellucid.errors import PellucidError, PictureError, ResourceError, UsageError
from pellucid.evaluate import as_jpeg
from pellucid.picture import Picture, PictureInfo, open_writer, read, write
from pellucid.resample import imresize
from pellucid.tasks.superres import ByBlocks, Options, upscale_file
from tests.small_models import superres_model

H, W = 41, 29


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return pellucid.load(superres_model(tmp_path_factory.mktemp("models") / "small.safetensors"))


def colours(channels: int, dtype: type = np.uint8) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(1).integers(0, top + 1, (H, W, channels)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("network_channels", [1, 3])
def test_a_file_gives_what_the_array_gives(tmp_path, network_channels, channels, dtype):
    network = pellucid.load(superres_model(tmp_path / "model.safetensors", channels=network_channels))
    pixels = colours(channels, dtype)
    write(tmp_path / "in.png", Picture(pixels))
    upscale_file(network, str(tmp_path / "in.png"), str(tmp_path / "out.png"), Options())
    result = read(tmp_path / "out.png")
    assert result.alpha is None
    np.testing.assert_array_equal(result.pixels, network(pixels))


def test_profile_and_exif_stay(tmp_path, network):
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x04\0\0\0Cam\0\0\0\0\0"
    write(tmp_path / "in.tif", Picture(colours(3), exif=exif))
    assert read(tmp_path / "in.tif").exif
    upscale_file(network, str(tmp_path / "in.tif"), str(tmp_path / "out.png"), Options())
    assert b"Cam" in (read(tmp_path / "out.png").exif or b"")


def test_transparency_is_enlarged_and_hidden_colour_does_not_bleed(tmp_path, network):
    pixels, alpha = colours(3), np.zeros((H, W, 1), np.uint8)
    alpha[10:30, 5:20] = 255
    results = []
    for hidden in (0, 255):  # whatever lies under transparent pixels, nobody sees a difference
        shown = np.where(alpha > 0, pixels, hidden).astype(np.uint8)
        write(tmp_path / "in.png", Picture(shown, alpha), overwrite=True)
        upscale_file(network, str(tmp_path / "in.png"), str(tmp_path / "out.png"), Options(overwrite=True))
        results.append(read(tmp_path / "out.png"))
    np.testing.assert_array_equal(results[0].pixels, results[1].pixels)
    expected = np.clip(imresize(alpha.astype(np.float32) / 255, 3), 0, 1) * 255
    np.testing.assert_allclose(results[0].alpha, expected, atol=0.501)


def test_streams(tmp_path, network):
    write(tmp_path / "in.png", Picture(colours(3)))
    out = io.BytesIO()
    upscale_file(network, io.BytesIO((tmp_path / "in.png").read_bytes()), out, Options())
    np.testing.assert_array_equal(read(out.getvalue()).pixels, network(colours(3)))


def test_progress_counts_to_the_end(tmp_path, network):
    write(tmp_path / "in.png", Picture(np.tile(colours(3), (3, 1, 1))))
    seen = []
    upscale_file(
        network,
        str(tmp_path / "in.png"),
        str(tmp_path / "out.png"),
        Options(),
        lambda rows, of: seen.append((rows, of)),
    )
    assert seen == sorted(seen) and seen[-1] == (9 * H, 9 * H) and len(seen) > 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, PictureError])
def test_an_interruption_leaves_nothing(tmp_path, network, error):
    write(tmp_path / "in.png", Picture(colours(3)))

    def stop(rows, of):
        raise error("stop")

    with pytest.raises(error):
        upscale_file(network, str(tmp_path / "in.png"), str(tmp_path / "out.png"), Options(), stop)
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


def test_a_picture_that_ends_early_leaves_nothing(tmp_path, network):
    write(tmp_path / "whole.png", Picture(colours(3)))
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "in.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(PellucidError):
        upscale_file(network, str(tmp_path / "in.png"), str(tmp_path / "out.png"), Options())
    assert not (tmp_path / "out.png").exists()


def test_what_is_refused_before_work_begins(tmp_path, network):
    source = str(tmp_path / "in.png")
    write(source, Picture(colours(3), np.zeros((H, W, 1), np.uint8)))
    with pytest.raises(ResourceError, match="memory ceiling is too low.*expected: at least"):
        upscale_file(network, source, str(tmp_path / "out.png"), Options(memory=1000))
    with pytest.raises(PictureError, match="can't hold transparency"):
        upscale_file(network, source, str(tmp_path / "out.jpg"), Options())
    with open_writer(str(tmp_path / "long.png"), PictureInfo(1, 22_000, 1)) as writer:
        writer.write(np.zeros((1, 22_000, 1), np.uint8))
    with pytest.raises(PictureError, match="JPEG can't hold so large a picture"):
        upscale_file(network, str(tmp_path / "long.png"), str(tmp_path / "long.jpg"), Options())
    with pytest.raises(PictureError, match="pixels"):
        upscale_file(network, source, str(tmp_path / "out.png"), Options(max_pixels=100))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.png", "long.png"]


def test_a_model_for_another_task_is_refused(tmp_path, network):
    write(tmp_path / "in.png", Picture(colours(3)))
    other = pellucid.load(superres_model(tmp_path / "other.safetensors"))
    other.card = replace(other.card, task="denoise", scale=None)
    with pytest.raises(UsageError, match="does not enlarge"):
        upscale_file(other, str(tmp_path / "in.png"), str(tmp_path / "out.png"), Options())


def test_blocks_choose_the_network(tmp_path, network):
    """A picture with JPEG's blocks goes to the other network, from a file and from a stream; one without does not."""
    coarse = np.random.default_rng(2).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    clean = imresize(coarse, 8)
    other = pellucid.load(superres_model(tmp_path / "other.safetensors"))
    other.name = "photo"
    calls = []
    both = ByBlocks(network, other)
    for name, pixels, expected in (("a.png", clean, []), ("b.png", as_jpeg(clean, 30), ["photo"])):
        write(tmp_path / name, Picture(pixels))
        notes = upscale_file(both, str(tmp_path / name), str(tmp_path / f"large-{name}"), Options())
        out = io.BytesIO()
        assert upscale_file(both, io.BytesIO((tmp_path / name).read_bytes()), out, Options()) == notes
        assert [note.rpartition(" ")[2] for note in notes] == expected
        calls.append(read(out.getvalue()).pixels.shape)
        np.testing.assert_array_equal(read(out.getvalue()).pixels, read(tmp_path / f"large-{name}").pixels)
    assert calls == [(288, 288, 3)] * 2


@pytest.mark.parametrize(("quality", "found"), [(50, True), (90, True), (95, False), (None, False)])
def test_the_tables_of_a_small_jpeg_choose_the_network(tmp_path, network, quality, found):
    """Where a thumbnail is too small for its blocks to be sure of."""
    pixels = imresize(np.random.default_rng(2).integers(0, 256, (4, 4, 3)).astype(np.uint8), 8)
    source = str(tmp_path / ("in.jpg" if quality else "in.png"))
    write(source, Picture(pixels), quality=quality)
    photo = pellucid.load(superres_model(tmp_path / "photo.safetensors"))
    notes = upscale_file(ByBlocks(network, photo), source, str(tmp_path / "out.png"), Options())
    assert notes == ([f"stored as JPEG of quality {quality}: photo"] if found else [])
    notes = upscale_file(ByBlocks(network, None, (3, 5)), source, str(tmp_path / "other.png"), Options())
    assert [note.endswith("networks that take them away: for scale 3, 5") for note in notes] == [True] * found
    np.testing.assert_array_equal(read(tmp_path / "other.png").pixels, network(read(source).pixels))
