from __future__ import annotations

import requests

OK = 200


def test_token_answer_has_what_clients_read(caller):
    answer = caller.log_in()
    info = answer["userInfo"]
    assert info["simpleDateFormat"] == "MM/dd/yyyy"
    assert info["dateSeperator"] == "/"
    assert info["decimalFormat"] == "."
    assert info["token"].startswith("044")
    assert caller.http.cookies["JSESSIONID"] == answer["aisSessionCookie"]
    assert (answer["environment"], answer["role"]) == ("JDV920", "*ALL")


def test_the_users_date_format_is_configurable(caller, switches):
    switches(date_format="dd.MM.yyyy")
    info = caller.log_in()["userInfo"]
    assert (info["simpleDateFormat"], info["dateSeperator"]) == ("dd.MM.yyyy", ".")


def test_every_way_to_sign_on(caller):
    user = (caller.jde.username, caller.jde.password)
    body = {"username": user[0], "password": user[1]}
    assert requests.post(f"{caller.jde.url}/jderest/tokenrequest", json=body, timeout=9).status_code == OK
    assert requests.get(f"{caller.base}/tokenrequest", auth=user, timeout=9).status_code == OK
    query = {**caller.body("F0010"), "token": None}
    assert requests.post(f"{caller.base}/dataservice", json=query, auth=user, timeout=9).status_code == OK
    assert requests.post(f"{caller.base}/dataservice", json={**query, **body}, timeout=9).status_code == OK
    headers = {"jde-AIS-Auth": caller.token, "jde-AIS-Auth-Device": caller.device}
    del query["deviceName"]
    assert requests.post(f"{caller.base}/dataservice", json=query, headers=headers, timeout=9).status_code == OK


def test_ways_that_are_switched_off(caller, switches):
    switches(allow_basic=False, allow_user_password=False)
    user = (caller.jde.username, caller.jde.password)
    assert requests.get(f"{caller.base}/tokenrequest", auth=user, timeout=9).status_code == 403
    body = {"username": user[0], "password": user[1]}
    assert caller.post("/tokenrequest", body).status_code == 403


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJUQVBVU0VSIn0.c2ln"


def test_a_jwt_logs_in_where_it_is_accepted(caller, switches):
    bearer = {"Authorization": f"Bearer {JWT}", "jde-AIS-Auth-Role": "SYSADMIN"}
    assert requests.post(f"{caller.base}/tokenrequest", json={}, headers=bearer, timeout=9).status_code == 403
    switches(jwt=JWT)
    body = {"environment": "JPY920", "deviceName": "test"}
    answer = requests.post(f"{caller.base}/tokenrequest", json=body, headers=bearer, timeout=9).json()
    assert (answer["environment"], answer["role"]) == ("JPY920", "SYSADMIN")
    query = {**caller.body("F0010"), "token": None}
    assert requests.post(f"{caller.base}/dataservice", json=query, headers=bearer, timeout=9).status_code == OK
    for wrong in (JWT + "x", answer["userInfo"]["token"], ""):
        other = {"Authorization": f"Bearer {wrong}"}
        for path, sent in (("/tokenrequest", {}), ("/dataservice", query)):
            assert requests.post(caller.base + path, json=sent, headers=other, timeout=9).status_code == 403
    refused = requests.post(f"{caller.base}/tokenrequest", json={"environment": "NO"}, headers=bearer, timeout=9)
    assert refused.status_code == 403


def test_basic_log_in_takes_environment_and_role_from_body_or_headers(caller):
    user = (caller.jde.username, caller.jde.password)
    headers = {"jde-AIS-Auth-Environment": "JPY920"}
    answer = requests.post(
        f"{caller.base}/tokenrequest", json={"role": "SYSADMIN"}, headers=headers, auth=user, timeout=9
    ).json()
    assert (answer["environment"], answer["role"]) == ("JPY920", "SYSADMIN")


def test_wrong_credentials_are_403_in_the_services_shape(caller):
    body = {"username": caller.jde.username, "password": "wrong"}
    answer = caller.post("/tokenrequest", body)
    assert answer.status_code == 403
    assert set(answer.json()) == {"message", "exception", "timeStamp"}
    assert answer.json()["timeStamp"] == "2026-11-20T09:30:05.000+0000"
    body["password"] = caller.jde.password
    refused = caller.post("/tokenrequest", {**body, "environment": "NOPE"})
    assert refused.status_code == 403
    assert "list of Environments and Roles" in refused.json()["message"]


def test_content_type_and_json_are_checked(caller):
    for path in ("/tokenrequest", "/dataservice", "/tokenrequest/logout", "/tokenrequest/validate"):
        assert caller.http.post(caller.base + path, data="{}").status_code == 415
        headers = {"Content-Type": "application/json"}
        assert caller.http.post(caller.base + path, data="{", headers=headers).status_code == 400


def test_a_token_is_bound_to_its_device(caller):
    query = caller.body("F0010")
    assert caller.post("/dataservice", {**query, "deviceName": "other"}).status_code == 444
    del query["deviceName"]
    assert caller.post("/dataservice", query).status_code == 444
    assert caller.post("/dataservice", {**query, "token": "044x", "deviceName": "test"}).status_code == 444


def test_bad_tokens_may_be_403_at_other_sites(caller, switches):
    switches(invalid_token_status=403)
    assert caller.post("/dataservice", {**caller.body("F0010"), "token": "x"}).status_code == 403


def test_some_sites_want_the_cookie(caller, switches):
    switches(require_session_cookie=True)
    assert caller.post("/dataservice", caller.body("F0010")).status_code == OK
    without = requests.post(f"{caller.base}/dataservice", json=caller.body("F0010"), timeout=9)
    assert without.status_code == 444


def test_log_out_ends_the_token(caller):
    body = {"token": caller.token, "deviceName": caller.device}
    assert caller.post("/tokenrequest/validate", body).json() == {"isValidSession": True}
    assert caller.post("/tokenrequest/logout", body).json() == {"status": "Success"}
    assert caller.post("/tokenrequest/validate", body).status_code == 444
    assert caller.post("/tokenrequest/logout", body).status_code == 444


def test_idle_tokens_die_and_use_keeps_them_alive(fresh):
    for _ in range(3):
        fresh.jde.control.set_clock(offset_seconds=29 * 60)
        assert fresh.browse("F0010").rows == []
    fresh.jde.control.set_clock(offset_seconds=31 * 60)
    assert fresh.post("/dataservice", fresh.body("F0010")).status_code == 444


def test_touch_alone_does_not_keep_a_token_alive_without_being_asked(fresh):
    body = {"token": fresh.token, "deviceName": fresh.device}
    fresh.jde.control.set_clock(offset_seconds=20 * 60)
    assert fresh.post("/tokenrequest/validate", body).status_code == OK
    fresh.jde.control.set_clock(offset_seconds=20 * 60)
    assert fresh.post("/tokenrequest/validate", {**body, "touch": True}).status_code == 444


def test_tokens_die_of_age(fresh):
    fresh.jde.control.switch(session_timeout_minutes=10_000)
    fresh.jde.control.set_clock(offset_seconds=721 * 60)
    assert fresh.post("/dataservice", fresh.body("F0010")).status_code == 444


def test_all_tokens_can_be_ended(fresh):
    fresh.jde.control.expire_sessions()
    assert fresh.post("/dataservice", fresh.body("F0010")).status_code == 444


def test_default_configuration_needs_no_log_in(caller):
    first = requests.get(f"{caller.jde.url}/jderest/defaultconfig", timeout=9).json()
    url = f"{caller.base}/defaultconfig?requiredCapabilities=dataservice,nextPage"
    second = requests.get(url, timeout=9).json()
    assert (second["sessionTimeout"], second["timeToLive"]) == ("30", "720")
    assert second["requiredCapabilityMissing"] is False
    names = [{one["name"] for one in answer["capabilityList"]} for answer in (first, second)]
    assert "nextPage" not in names[0]
    assert "nextPage" in names[1]


def test_no_secret_in_the_request_log_or_in_reprs(caller):
    log = str(caller.jde.control.requests(limit=5000))
    assert caller.token not in log
    assert caller.jde.password not in log
    assert caller.jde.password not in repr(caller.jde)
