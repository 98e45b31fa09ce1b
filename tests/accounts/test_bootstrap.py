"""The first administrator of an empty database."""

import pytest

from accounts.bootstrap import ensure_admin
from settings import Settings, UnsafeSettings
from testkit.passwords import PASSWORD


@pytest.mark.usefixtures("quiet_database")
def test_a_weak_first_administrator_is_refused_and_a_running_service_is_left_alone() -> None:
    weak = Settings(admin_password="admin")
    with pytest.raises(UnsafeSettings, match=r"ADMIN_PASSWORD .* at least 15 characters"):
        ensure_admin(weak)
    assert ensure_admin(Settings(admin_password=PASSWORD)) is None
    assert ensure_admin(weak) is None, "there is an administrator: the setting is not looked at"
