"""Ways to log in, servers that accept only some of them, and servers too old for all."""

from __future__ import annotations

import base64
import json
import logging

import pytest
from jde_ais import AisAuthError, AisClient, AisConfigError, AisError, AisSettings, BrowseRequest

READ = BrowseRequest("F0101", ("AN8",))
LOGINS = "v2/tokenrequest"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJUQVBVU0VSIn0.c2lnbmF0dXJl"


def log_ins(stub):
    return [(json.loads(body), headers) for _, path, body, headers in stub.seen if path.endswith(LOGINS)]


def empty_table(path):
    grid = {"rowset": [], "summary": {"records": 0, "moreRecords": False}}
    return 200, {}, json.dumps({"fs_DATABROWSE_F0101": {"data": {"gridData": grid}}}).encode()


def test_a_jwt_alone_is_enough(jde):
    jde.control.switch(jwt=JWT, allow_basic=False, allow_user_password=False)
    jde.control.insert_rows("F0101", [{"AN8": 1}])
    with jde.client(auth_method="jwt", jwt=JWT, username="", password="", role="SYSADMIN") as client:
        assert client.browse(READ).rows == [{"AN8": 1}]
        assert (client.user.username, client.user.environment, client.user.role) == ("TAPUSER", "JDV920", "SYSADMIN")
        jde.control.expire_sessions()
        assert client.browse(READ).rows == [{"AN8": 1}]
    assert jde.calls(LOGINS) == 2


def test_a_jwt_that_has_ended_says_what_to_do_and_is_sent_once(jde):
    jde.control.switch(jwt=JWT)
    with jde.client(auth_method="jwt", jwt=JWT, username="", password="") as client:
        client.browse(READ)
        jde.control.switch(jwt="renewed")
        jde.control.expire_sessions()
        for _ in range(2):
            with pytest.raises(AisAuthError, match=r"log-in: HTTP 403.*renew the token in jwt") as refused:
                client.browse(READ)
            assert JWT not in repr(refused.value)
            assert "password" not in str(refused.value)
    assert jde.calls(LOGINS) == 2


@pytest.mark.parametrize("status", [401, 403, 444])
def test_a_jwt_may_be_refused_in_several_ways(stub_server, status):
    def answer(path):
        return status, {}, json.dumps({"message": f"bad {JWT}"}).encode()

    with stub_server(answer) as stub:
        stub.login = None
        client = stub.client(auth_method="jwt", jwt=JWT, username="", password="")
        with client, pytest.raises(AisAuthError, match=r"bad \*\*\*.*renew the token in jwt"):
            client.browse(READ)
        assert len(log_ins(stub)) == 1


def test_how_each_log_in_travels(stub_server):
    place = {"deviceName": "dev", "environment": "JPD920", "role": "*ALL"}
    headers = {"jde-AIS-Auth-Environment": "JPD920", "jde-AIS-Auth-Role": "*ALL"}
    basic = "Basic " + base64.b64encode(b"U:p4ss w+rd").decode()
    ways = {
        "password": ({"username": "U", "password": "p4ss w+rd", **place}, {}),
        "basic": (place, {"Authorization": basic, **headers}),
        "jwt": (place, {"Authorization": f"Bearer {JWT}", **headers}),
    }
    for way, (body, expected) in ways.items():
        with stub_server(empty_table) as stub:
            options = {"auth_method": way, "jwt": JWT, "device_name": "dev", "environment": "JPD920", "role": "*ALL"}
            with stub.client(**options) as client:
                client.browse(READ)
            ((sent, got),) = log_ins(stub)
            assert sent == body
            assert {name: value for name, value in got.items() if name in {"Authorization", *headers}} == expected
            # Nothing of it goes with the requests after it: they carry the token alone.
            (read,) = [seen for seen in stub.seen if seen[1].endswith("/dataservice")]
            assert "Authorization" not in read[3]


def test_basic_on_request(jde):
    jde.control.switch(allow_user_password=False)
    with jde.client(auth_method="basic", environment="JPY920", role="SYSADMIN") as client:
        client.browse(READ)
        assert (client.user.environment, client.user.role) == ("JPY920", "SYSADMIN")


def test_basic_where_it_is_switched_off_names_the_setting(jde):
    jde.control.switch(allow_basic=False)
    with jde.client(auth_method="basic") as client, pytest.raises(AisAuthError, match="set auth_method to password"):
        client.browse(READ)


def test_a_wrong_password_by_basic(jde):
    with jde.client(auth_method="basic", password="hunter2") as client:
        with pytest.raises(AisAuthError, match="check username and password"):
            client.browse(READ)
        with pytest.raises(AisAuthError, match="check username and password"):
            client.browse(READ)
    assert jde.calls(LOGINS) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": ""}, "auth_method password needs username"),
        ({"auth_method": "basic", "username": "", "password": ""}, "basic needs username and password"),
        ({"auth_method": "basic", "username": "a:b"}, "username must not hold a colon"),
        ({"auth_method": "jwt"}, "auth_method jwt needs jwt"),
        ({"auth_method": "jwt", "jwt": "a.b.c\n"}, "jwt must be a JSON Web Token"),
        ({"auth_method": "jwt", "jwt": "Bearer a.b.c"}, "jwt must be a JSON Web Token"),
        ({"auth_method": "sso"}, "auth_method must be password, basic or jwt"),
        ({"device_name": " "}, "device_name must be printable"),
        ({"requests_per_second": -1}, "requests_per_second must not be below 0"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(changes, words):
    settings = AisSettings(**{"url": "http://x", "username": "U", "password": "s3cret", **changes})
    with pytest.raises(AisConfigError, match=words) as refused:
        AisClient(settings)
    assert "s3cret" not in str(refused.value)
    assert "a.b.c" not in str(refused.value)


def test_no_proof_of_identity_in_logs_or_errors(stub_server, caplog):
    caplog.set_level(logging.DEBUG)
    basic = base64.b64encode(b"U:p4ss w+rd").decode()

    def answer(path):
        return 500, {}, json.dumps({"message": f"{JWT} {basic} p4ss w+rd"}).encode()

    for way in ("jwt", "basic", "password"):
        with stub_server(answer) as stub:
            stub.login = None
            with stub.client(auth_method=way, jwt=JWT) as client:
                with pytest.raises(AisError) as error:
                    client.browse(READ)
                texts = [repr(error.value), repr(client.settings), *(record.getMessage() for record in caplog.records)]
        assert not [text for text in texts if JWT in text or basic in text or "p4ss" in text]


def test_an_old_release_is_named(jde):
    jde.control.switch(v1_only=True)
    with jde.client() as client:
        version = client.server_config().version
        assert version
        with pytest.raises(AisConfigError, match=r"9\.2\.1\.2 or newer is needed") as refused:
            client.browse(READ)
    assert version in str(refused.value)
    assert jde.calls("/logout") == 0


def test_a_server_without_services_of_version_2_is_too_old(stub_server):
    config = {"aisVersion": "EnterpriseOne 9.1.5.8", "sessionTimeout": "20", "capabilityList": [{"name": "grid"}]}

    def answer(path):
        if path.startswith("/jderest/defaultconfig"):
            return 200, {}, json.dumps(config).encode()
        return 404, {}, b"<h1>Error 404--Not Found</h1>"

    with stub_server(answer) as stub:
        stub.config = stub.login = None
        with stub.client() as client:
            words = r"9\.2\.1\.2 or newer is needed, and it says that it is EnterpriseOne 9\.1\.5\.8"
            with pytest.raises(AisConfigError, match=words) as refused:
                client.browse(READ)
            assert "\n" not in str(refused.value)
            told = client.server_config()
    assert (told.has_v2, told.version, told.idle_seconds, told.capabilities) == (
        False,
        "EnterpriseOne 9.1.5.8",
        1200,
        {"grid"},
    )
    assert not [path for path in stub.paths() if path == "/jderest/tokenrequest"], "no password for an unusable server"
