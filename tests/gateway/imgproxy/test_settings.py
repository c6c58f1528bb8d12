from pathlib import Path
from typing import Any

import pytest

from forkresize.errors import ConflictError, FieldError
from forkresize.gateway.imgproxy.settings import PictureUrlSettings
from forkresize.gateway.imgproxy.urls import PictureUrls


def test_signatures_are_checked_unless_a_gateway_says_otherwise(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{'6b' * 32}:{'73' * 32}\n")
    keys = PictureUrlSettings(key_file=str(tmp_path / "keys"))
    assert not PictureUrls(keys, unsigned=False).signer.is_unsigned
    assert PictureUrls(PictureUrlSettings(), unsigned=True).signer.is_unsigned
    with pytest.raises(FieldError, match="pictures need signed URLs"):
        PictureUrls(PictureUrlSettings(), unsigned=False)
    with pytest.raises(ConflictError):
        PictureUrls(keys, unsigned=True)


@pytest.mark.parametrize("values", [{"presets_only": True}])
def test_settings_that_contradict_each_other_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(FieldError) as caught:
        PictureUrlSettings(**values)
    assert caught.value.field in values
