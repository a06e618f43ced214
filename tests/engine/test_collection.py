"""No cycles are looked for while it lasts; afterwards it is as it was, whatever happened."""

import gc

import pytest

from offbook.engine.collection import collected_later


def test_the_search_is_put_off_and_taken_up_again():
    assert gc.isenabled()
    with collected_later():
        assert not gc.isenabled()
        with collected_later():
            pass
        assert not gc.isenabled(), "whoever is outside still wants none"
    assert gc.isenabled()


def test_it_is_taken_up_again_after_an_error():
    @collected_later()
    def fails() -> None:
        assert not gc.isenabled()
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert gc.isenabled()
