#!/bin/sh
# Play a first event through the REST API: an admin makes a photographer and an event, the photographer sends photos, and
# a guest registers, sends a selfie and lists the photos they are in. Each run makes an event of its own.
#
#   ADMIN_PASSWORD=… docs/first-event.sh SELFIE PHOTO…
#
# An account with a second factor cannot run it, except with its present code in ADMIN_OTP.
# Needs curl and python3. BASE_URL (http://localhost:8000) and ADMIN_USERNAME (admin) say where and as whom.
set -eu

BASE_URL=${BASE_URL:-http://localhost:8000}
ADMIN_USERNAME=${ADMIN_USERNAME:-admin}
PATIENCE_SECONDS=${PATIENCE_SECONDS:-120}
if [ $# -lt 2 ] || [ -z "${ADMIN_PASSWORD:-}" ]; then
  echo "usage: ADMIN_PASSWORD=… $0 SELFIE PHOTO…" >&2
  exit 2
fi
for file; do
  [ -r "$file" ] || { echo "$file cannot be read" >&2; exit 2; }
done

ANSWER=$(mktemp)
trap 'rm -f "$ANSWER"' EXIT

# call PATH CURL-OPTIONS…: send a request, keep the answer, and end with its sentence unless it is 200.
call() {
  path=$1
  shift
  status=$(curl --silent --show-error --output "$ANSWER" --write-out '%{http_code}' \
    --header 'Accept-Language: en' "$@" "$BASE_URL$path") || { echo "no answer from $BASE_URL" >&2; exit 1; }
  [ "$status" = 200 ] || { echo "$path answered $status: $(cat "$ANSWER")" >&2; exit 1; }
}

# field NAME: print one field of the last answer.
field() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$ANSWER" "$1"
}

# object NAME VALUE…: print a JSON object of strings.
object() {
  python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' "$@"
}

# log_in NAME PASSWORD [CODE [OTP]]: set TOKEN.
log_in() {
  body=$(object username "$1" password "$2" ${3:+event_code "$3"} ${4:+otp "$4"})
  call /api/login --header 'Content-Type: application/json' --data "$body"
  TOKEN=$(field access_token)
}

# as_json PATH BODY: send JSON with TOKEN.
as_json() {
  call "$1" --header "Authorization: Bearer $TOKEN" --header 'Content-Type: application/json' --data "$2"
}

SELFIE=$1
shift
NUMBER=$(python3 -c 'import secrets; print(secrets.token_hex(3))')
PASSWORD=$(python3 -c 'import secrets; print(secrets.token_urlsafe(12))')

log_in "$ADMIN_USERNAME" "$ADMIN_PASSWORD" "" "${ADMIN_OTP:-}"
as_json /api/admin/photographers "$(object username "lea-$NUMBER" email "lea-$NUMBER@example.org" password "$PASSWORD")"
PHOTOGRAPHER=$(field photographer_id)
as_json /api/admin/create-event "{\"name\": \"First event\", \"photographer_id\": $PHOTOGRAPHER}"
EVENT=$(field event_id)
CODE=$(field event_code)
echo "Event $CODE: guests join at $BASE_URL/join?event_code=$CODE"

log_in "lea-$NUMBER" "$PASSWORD"
for photo; do
  call "/api/photographer/events/$EVENT/upload-photos" --header "Authorization: Bearer $TOKEN" --form "files=@$photo"
done
echo "Photographer lea-$NUMBER, password $PASSWORD: sent $# photos; sees them at $BASE_URL/studio"

GUEST=$(object username "amy-$NUMBER" email "amy-$NUMBER@example.org" password "$PASSWORD")
call /api/register-with-event-code --header 'Content-Type: application/json' \
  --data "{\"user_data\": $GUEST, \"event_code\": \"$CODE\"}"
log_in "amy-$NUMBER" "$PASSWORD" "$CODE"
call /api/upload-selfie --header "Authorization: Bearer $TOKEN" --form "file=@$SELFIE"
echo "Guest amy-$NUMBER, password $PASSWORD: sent a selfie; sees the photos at $BASE_URL/photos"

# pending: succeed while the selfie or a photo of the event waits to be processed.
pending() {
  call /api/rematch-status --header "Authorization: Bearer $TOKEN"
  case $(field status) in queued | running) return 0 ;; esac
  call "/api/user/events/$EVENT/progress" --header "Authorization: Bearer $TOKEN"
  [ "$(field processed)" -lt "$(field photos)" ]
}

WAITED=0
while pending; do
  WAITED=$((WAITED + 1))
  [ "$WAITED" -le "$PATIENCE_SECONDS" ] || { echo "not finished after $PATIENCE_SECONDS s" >&2; exit 1; }
  sleep 1
done
call /api/rematch-status --header "Authorization: Bearer $TOKEN"
if [ "$(field status)" != done ]; then
  echo "the selfie was not accepted: $(field detail)" >&2
  exit 1
fi

call /api/my-photos --header "Authorization: Bearer $TOKEN"
python3 - "$ANSWER" "$BASE_URL" <<'END'
import json
import sys
from urllib.parse import urljoin

photos = json.load(open(sys.argv[1]))
print(f"The guest is in {len(photos)} photos. These links open without a token, for some hours:")
for photo in photos:
    print(f"{photo['original_filename']}  {photo['confidence_score']:.0f}  {urljoin(sys.argv[2], photo['url'])}")
END
