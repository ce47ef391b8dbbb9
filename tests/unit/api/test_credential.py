"""What looks like a credential: tables of names and values, each with its reason."""

import pytest

from chartly.api.credential import (
    CREDENTIAL_MESSAGE,
    HOLDS_CREDENTIAL_MESSAGE,
    check_names,
    check_values,
    check_within,
    holds_credential,
    is_credential,
    is_credential_name,
)

RANDOM = "8f3kq0x7mz2v9w1c"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

NAMES = [
    (True, "a known whole name", "authorization Authorization cookie COOKIE appid APPID sig jwt pwd passwd password passphrase"),
    (True, "its last word says it alone", "token X-Token secret shared.secret signature X-Auth auth oauth X-JWT userPwd reqSig set-cookie2 X-Signature-1 toKen"),
    (True, "in another alphabet's letters that fold to these", "\u017fecret"),
    (True, "key, token, secret or signature after whose it is", "api_key apikey api--key API-KEY accessKey app_key auth_token clientSecret subscription-key consumer_key private-key"),
    (True, "as vendors write it", "Ocp-Apim-Subscription-Key X-Figma-Key x-functions-key X-API-Key X-Vault-Token X-Amz-Signature DD-APPLICATION-KEY PRIVATE-TOKEN X-Key"),
    (True, "glued together", "accesstoken myapikey usersecret authtoken sessiontoken"),
    (True, "of an own kind, although a page is named before", "page_access_token next_api_key"),
    (False, "tokens of paging", "page_token pageToken next_token nextPageToken nextpagetoken syncToken sync_token continuation-token ContinuationToken cursorToken startToken"),
    (False, "the last word is another one", "tokenType token_type cookieConsent cookie_consent passwordPolicy X-Auth-Email signature_required secret_santa max_tokens app_id appId"),
    (False, "keys of data", "sort_key partitionKey Idempotency-Key X-Idempotency-Key primary_key cache-key X-Request-Key"),
    (False, "the value decides", "key code sid session session_id sessionId user_key language_code ticket"),
    (False, "only the letters are alike", "author design config async heatmap_key monkey passport barcode aside obsession"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "because", "name"),
    [(expected, because, name) for expected, because, names in NAMES for name in names.split()],
)
def test_a_credential_s_name(expected, because, name):
    assert is_credential_name(name) is expected, because


VALUES = [
    (True, "HTTP's schemes", ["Bearer x", f"Bearer {JWT}", "bearer canary-7", "Authorization: Bearer canary-7", "Basic dXNlcjpwYXNz", "Basic YTpi0A==", "Token 0123456789abcdef0123"]),
    (True, "a token with three parts", [JWT, f"/v1/{JWT}/x", f"jwt={JWT}"]),
    (True, "a key in PEM", ["-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nMII"]),
    (True, "a user in a URL", ["https://u:canary@host/x"]),
    (True, "what vendors start theirs with", [
        "ghp_" + "a1B2" * 9, "gho_" + "a1B2" * 9, "github_pat_" + "a1B2" * 9, "glpat-" + "a1B2" * 5, "glrt-" + "a1B2" * 5,
        "xoxb-123456789012-abcdef", "xapp-1-A0123456789", "sk_live_" + "a1B2" * 6, "rk_test_" + "a1B2" * 6, "whsec_" + "a1B2" * 8,
        "sk-" + "a1B2" * 12, "sk-ant-api03-" + "a1B2" * 12, "sk-proj-" + "a1B2" * 12, "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE",
        "AIza" + "a1B2-" * 7, "ya29." + "a1B2" * 6, "GOCSPX-" + "a1B2" * 6, "SG." + "a1B2" * 6 + "." + "a1B2" * 6, "SK" + "0a" * 16,
        "npm_" + "a1B2" * 9, "pypi-" + "a1B2" * 9, "dop_v1_" + "0a" * 16, "shpat_" + "0a" * 16, "hf_" + "abCD" * 8, "figd_" + "a1B2" * 5,
        "lin_api_" + "a1B2" * 5, "ntn_" + "a1B2" * 6, "pat" + "a1B2c3D4e5F6g7" + "." + "0a" * 32, "dapi" + "0a" * 16, "sq0atp-" + "a1B2" * 5,
        "xkeysib-" + "0a" * 16, "PMAK-" + "0a" * 16, "dckr_pat_" + "a1B2" * 5, "hvs." + "a1B2" * 6, "0a" * 16 + "-us6", "key-" + "0a" * 16,
        "/bot1234567890:" + "AbCd-" * 7 + "/getUpdates",
    ]),
    (False, "text that people search for", ["basic information", "Basic plan", "bearer bonds", "token", "digest authentication", "my private key is lost", "key-value stores"]),
    (False, "what APIs are asked with", [
        "", "application/json", "id asc", "created_at desc", "2026-02-01T00:00:00Z", "objects", "max", "a=b:c@d", "eyJpZCI6MX0=", "*/*", "{ viewer { id } }",
        "https://example.com/x@y:8", "sk-ski-resorts-2024", "550e8400-e29b-41d4-a716-446655440000", "sales/2026.1", "text/html; q=0.5", "AKIA",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "because", "value"),
    [(expected, because, value) for expected, because, values in VALUES for value in values],
)
def test_a_credential_s_form(expected, because, value):
    assert holds_credential(value) is expected, because


@pytest.mark.parametrize(
    ("expected", "because", "name", "value"),
    [
        (True, "16 random characters under a name that may be one", "key", RANDOM),
        (True, "as above", "code", RANDOM),
        (True, "as above", "X-Session", RANDOM),
        (True, "as above", "userKey", RANDOM),
        (True, "as above", "session_id", "550e8400-e29b-41d4-a716-446655440000"),
        (True, "its form says it under any name", "q", JWT),
        (False, "15 characters", "key", RANDOM[1:]),
        (False, "words", "code", "confirmed_and_shipped"),
        (False, "words and a year", "key", "created_at_2024_desc"),
        (False, "a code of a country", "code", "US"),
        (False, "a number", "sid", "7"),
        (False, "random, under a name that is none", "q", RANDOM),
        (False, "random, under a name of data", "Idempotency-Key", RANDOM),
    ],
)
def test_a_value_under_a_name(expected, because, name, value):
    assert is_credential(name, value) is expected, because


def told(check, value):
    with pytest.raises(ValueError, match="looks like a credential") as caught:
        check(value)
    message = str(caught.value)
    assert RANDOM not in message
    assert JWT not in message
    return message


def test_inv_6_sentences_show_the_name_and_not_the_value():
    assert told(check_names, ["a", "apiKey"]) == f"'apiKey' {CREDENTIAL_MESSAGE}"
    assert told(check_names, [JWT]) == f"a name {HOLDS_CREDENTIAL_MESSAGE}"
    assert told(check_values, {"a": "b", "key": RANDOM}) == f"'key' {HOLDS_CREDENTIAL_MESSAGE}"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [{"b": {"token": ""}}]}, f"'token' {CREDENTIAL_MESSAGE}"),
        ({"a": [{"b": [JWT]}]}, f"'b' {HOLDS_CREDENTIAL_MESSAGE}"),
        ({"query": f"{{ x(t: {JWT!r}) }}"}, f"'query' {HOLDS_CREDENTIAL_MESSAGE}"),
        ({"a": {JWT: 1}}, f"a name {HOLDS_CREDENTIAL_MESSAGE}"),
    ],
)
def test_inv_6_a_credential_is_seen_at_any_depth(value, says):
    assert told(check_within, value) == says


def test_numbers_and_open_texts_are_taken():
    check_within({"a": [1, None, True, 1.5, "x"], "key": "total"})
