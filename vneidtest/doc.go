// Package vneidtest is the world around a portal, simulated in process: a
// VNeID that is a real OpenID provider, a national population database that
// answers whether a number, a name and a birth date belong together, and a
// small legacy portal with accounts of its own. Each is an [http.Handler]; the
// command vneid-sim runs them as processes. They write the wire on their own,
// so that a misreading in the product cannot hide behind the same misreading
// here. Every person in it is invented; citizen numbers use province code 099,
// which no province has, and ID-card numbers begin with 99, which no province
// had.
//
// # Everywhere
//
//	GET  /personas.json   the people to try, digits and passwords in clear
//	GET  /sim/knobs       the knobs that are turned, a JSON object
//	POST /sim/knobs       turn knobs, as a form or a JSON object; reset=on first turns all back
//
// A knob is "on" or "off", a duration ("2s") or a number. In Go:
// [Controls.Set]. [Controls.Calls] counts the calls of an endpoint. Where a
// list below says <endpoint>_fault, four knobs exist: <endpoint>_slow=2s waits
// before the answer, <endpoint>_down=on answers 503, <endpoint>_garbage=on
// answers 200 with a body that is no JSON, <endpoint>_huge=on answers 200 with
// a body that never ends.
//
// # VNeID
//
// Authorization code flow of OpenID Connect Core 1.0 with PKCE (S256 only),
// nonce and state; RS256; client_secret_basic or _post, no secret for public
// clients; RFC 9207 iss in the response; RP-Initiated and Back-Channel Logout
// 1.0. The ID token carries sub, sid and nonce; who the person is stands in
// userinfo alone: sub, name, birthdate, citizenPid, accountLevel, accountType.
// It always asks who is there: prompt=none is answered login_required.
//
//	GET  /.well-known/openid-configuration
//	GET  /keys
//	GET  /authorize           302 to /login, or an error to the client
//	GET  /login?id=           the page: personas, number and password, cancel
//	POST /login               id with persona=<key>, or username and password, or cancel=1
//	POST /oauth/token
//	GET  /userinfo
//	GET  /end_session         id_token_hint, post_logout_redirect_uri, state
//	GET  /signed-out          where one lands without a post_logout_redirect_uri
//
// Endpoints for Calls: discovery, keys, authorize, login, token, userinfo,
// end_session. Knobs: discovery_fault, keys_fault, token_fault,
// userinfo_fault; for the ID token wrong_nonce, wrong_audience (another client),
// extra_audience (another beside ours) and alg_none (unsigned); for userinfo
// wrong_sub (of somebody else), no_citizen_number (no citizenPid) and
// account_level=1 (instead of the persona's); wrong_response_iss (RFC 9207);
// acting (whoever represents an organisation signs in for it: accountType is
// organisation, beside organisationId, organisationTaxCode, organisationName and
// organisationRole);
// clock_skew=-10m (added to iat, exp and auth_time of the ID token, and to the
// Date of every answer).
//
// # VNeID, the encrypted wire (V2)
//
// The same people and the same sign-in page, on paths of its own, for clients
// that have a PublicKey. OAuth 2.0 without ID token, nonce and PKCE. An
// envelope is a text under a fresh AES key (256 bits, ECB, PKCS #7) and that key
// under the client's RSA key (PKCS #1 v1.5), both in standard Base64.
//
//	GET  /v2/authorize    response_type=code, client_id, redirect_uri, scope, state
//	     the callback     code and encrypt_key, an envelope whose plus signs are
//	                      not escaped; state; or error and error_description
//	POST /v2/token        a form: grant_type, code (decrypted), encrypt_key (as
//	                      received), client_id, client_secret, redirect_uri;
//	                      200 {"data":"…","key":"…"} around access_token,
//	                      expires_in, token_type, scope; else {"error":"…"} in clear
//	GET  /v2/userinfo     Authorization: Bearer; 200 {"data":"…","key":"…"} around
//	                      citizenPid, fullName, birthDate, accountType, accountLevel
//
// Endpoints: v2_authorize, v2_token, v2_userinfo. Knobs: v2_token_fault,
// v2_userinfo_fault, account_level and no_citizen_number as above. Lies, each at
// v2_callback, v2_token or v2_userinfo: _plain (no envelope, no encrypt_key),
// _other_key (under a key that is not the client's), _cut (the last 16 bytes of
// the data are gone), _flip (one bit in the middle of the data is another).
// Where the real wire is not known for certain: v2_cbc (the IV in the first 16
// bytes, instead of ECB), v2_key_bits=128 or 192, v2_code_received (the token
// endpoint wants the code as the callback carried it), v2_no_encrypt_key (it
// refuses encrypt_key).
//
// # Population database
//
//	POST /v1/match   Authorization: Bearer <token>
//	                 {"request_id":"…","citizen_number":"…","name":"NGUYENVANA","birth_date":"19900131"}
//	                 or "birth_year":"1990" instead of "birth_date"
//	                 200 {"matched":true|false}, 400, 401
//
// An unknown number and wrong data are answered alike, as the real one does.
// Endpoint: match. Knobs: match_fault, mismatch (always false, by every way).
//
// # Population database, the further ways
//
// Each is there only where its part of [PopulationConfig] is set. Two
// operations: XacThucThongTinCongDan says whether a number, a name and a birth
// date belong together, TraCuuThongTinCongDan answers the whole record,
// sensitive members included. The number is SoDinhDanh (12 digits) or SoCMND
// (9), exactly one. Nobody and somebody else are answered alike.
//
//	POST /soap                    SOAP 1.1: Timestamp (milliseconds or seconds, within 5 minutes),
//	                              Authorization: Basic user:hash, hash being the lower-case hexadecimal
//	                              SHA-256 of service URL + user + Timestamp + secret; X-Road-Client,
//	                              ApiKey, SOAPAction (empty), Content-Type application/xml or text/xml
//	POST /lgsp/json/{operation}   Bearer; maYeuCau, maDVC, maCanBo, soDinhDanh, soCMND, hoVaTen,
//	                              ngayThangNam (yyyymmdd or yyyy), userNameService;
//	                              200 {"Body":{"KetQuaXacThuc":{"TonTai":"true"}}} and the like
//	POST /lgsp/text/{operation}   Bearer; the same, with nam and maTichHop, without userNameService;
//	                              200 {"error_code":"0","message":"<the SOAP envelope>"}
//	POST /lgsp/token              lgspaccesstoken (Base64 of AccessKey, SecretKey, AppName, PartnerCode,
//	                              PartnerCodeCus as JSON) and grant_type=client_credentials;
//	                              200 access_token, token_type, expires_in
//	POST /lgsp/soap               as /soap, but Authorization: Bearer with that token, lgspaccesstoken
//	                              again, and AuthHash, the Base64 of the official's user:password
//
// In the envelope, namespace http://dancuquocgia.bca and in this order:
// MaYeuCau, MaDVC, MaTichHop, MaCanBo, MaDonVi, TaiKhoan, SoDienThoai (the
// third and the last three may be absent), SoDinhDanh or SoCMND, HoVaTen,
// NgayThangNamSinh with NgayThangNam (yyyymmdd) or Nam (yyyy). The answer,
// namespace http://www.mic.gov.vn/dancu/1.0, is KetQuaXacThuc with TonTai, or
// CongdanCollection with a CongDan or none, whose whole name stands in Ten.
// A request that is none, a time too far off, and the refusals 004 (the
// procedure may not ask) and 005 (the official may not) are SOAP faults (500),
// the code in detail/MaLoi; in JSON error_code and message, 400 or 200. A wrong
// signature or token is 401. In JSON an empty or null member is an absent one.
//
// How the real ones write KetQuaXacThuc's namespace, a refusal, error_code of a
// success, and whether the keys of the wrapped form are headers, is not known.
//
// Endpoints: soap, lgsp_json, lgsp_text, lgsp_token, lgsp_soap; beside them
// form_match and form_lookup count the questions answered by any of these.
// Knobs: soap_fault, lgsp_json_fault, lgsp_text_fault, lgsp_token_fault,
// lgsp_soap_fault, population_clock_skew=6m (added to its idea of
// now for Timestamp). Lies: record_two (another person's record too),
// record_other (instead), xml_doctype (before the envelope of /soap, /lgsp/soap
// and /lgsp/text).
//
// # Portal
//
// "Cổng dịch vụ công tỉnh Minh Hà", a portal of the late 2000s of an invented
// province. It believes X-Forwarded-User blindly (the account id), keeps
// sessions of its own beside it, and knows nothing of VNeID.
//
//	GET, POST /dang-nhap     own login page: username, password, captcha, ticket, next
//	GET       /dang-xuat     ends its own session
//	GET       /              home; with /ho-so, /ho-so/{id}, /ca-nhan, /nop-ho-so,
//	                         /tai-len and /ping for people who are signed in
//	GET       /gioi-thieu, /assets/portal.css   for everybody
//	GET       /api/whoami    who is signed in here, by its own session alone
//	POST      /api/credential  {"username":"…","password":"…"}, Bearer token:
//	                         200 {"account_id":"…"}, 401, 423 when locked
//	POST      /api/directory/search, …/citizen-number, …/scan   see below
//	any       /headers       what it received, HTML or JSON
//	any       /echo…         method, target byte for byte, size and SHA-256 of the body
//	GET       /events?n=     server-sent events, flushed one by one; n=0 never ends
//	GET       /ws            WebSocket echo
//
// [Portal.Requests] is the last thousand requests as received. Endpoints:
// whoami, credential. Knobs: whoami_fault, credential_fault.
//
// # Portal, the directory's interface
//
// JSON both ways, with the Bearer token of the credential check. Requests are
// read strictly; 400 and 401 as usual.
//
//	POST /api/directory/search          exactly one of id, username, citizen_number, id_card_number;
//	                                    200 {"accounts":[…]}, none to all, each with all of
//	                                    id, username, kind (citizen, official, organisation), status (active, locked),
//	                                    citizen_number, citizen_number_verified, id_card_number, name,
//	                                    birth_date (yyyy-mm-dd, yyyy or ""), email, phone, roles, version
//	POST /api/directory/citizen-number  {"id":"…","citizen_number":"…","version":"…"}: writes the number as
//	                                    verified into the row of that version; 200 {"version":"…"} with the
//	                                    new one, 409 {"error":"changed"}, 404. Where the number stands
//	                                    there verified already: 200, whatever the version
//	POST /api/directory/scan            {"after":"…","limit":1 to 100}: the accounts after that id, "" for the
//	                                    first; 200 {"accounts":[…],"next":"…"}, the rows with citizen_number_text,
//	                                    id_card_number_text and birth_date_text for what is none, next "" at the end
//
// A write-back changes this portal alone, pages included: [Personas] and
// personas.json stay as they were. Endpoints: directory, write_back,
// scan. Knobs: directory_fault, write_back_fault, scan_fault, write_back_changed
// (409 always), scan_circle (never the last page). Lies of a
// search: directory_two (by id: another row too, under the same id),
// directory_other (a row that was not asked for), directory_duplicate (status
// twice in each row), directory_case (Citizen_Number_Verified),
// directory_trailing (a second object behind the first).
package vneidtest
