#!/usr/bin/env bash
# Serves the functions with `cargo lambda watch` and prints how to call them once they respond. Their data is in the
# folder LOCAL: in a file, or in DynamoDB Local with STORE=dynamodb.
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-9000}
store=${STORE:-file}
folder=${LOCAL:-.local}
url=http://127.0.0.1:$port
export no_proxy=127.0.0.1${no_proxy:+,$no_proxy}
PATH=$PWD/.tools/bin:$PATH

fail() { echo "$1" >&2; exit 1; }
for tool in cargo cargo-lambda curl; do
  command -v "$tool" >/dev/null || fail "$tool is not installed"
done
if ! [[ $port =~ ^[0-9]{1,5}$ ]] || ((10#$port < 1 || 10#$port > 65535)); then
  fail "PORT must be a number from 1 to 65535, not $port"
fi
[[ $store =~ ^(file|dynamodb)$ ]] || fail "STORE must be file or dynamodb, not $store"
algorithm=${JWT_ALGORITHM:-HS256}
if [[ $algorithm =~ ^(RS256|ES256|EdDSA)$ ]]; then
  [ "$store" = file ] || fail "keys for $algorithm need Secrets Manager, which is not part of STORE=dynamodb: use \
JWT_ALGORITHM=$algorithm with the file store, or STORE=dynamodb with HS256"
elif ! [[ $algorithm =~ ^HS(256|384|512)$ ]]; then
  fail "JWT_ALGORITHM must be HS256, HS384, HS512, RS256, ES256 or EdDSA, not $algorithm"
fi
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  fail "port $port is in use: try make run PORT=$((port + 1))"
fi

# Build first: otherwise two simultaneous first requests would wait for each other's build.
echo "building: the first build takes several minutes"
cargo build --locked --bins

watch='' dynamodb='' running=''
end() {
  trap : INT TERM
  # Another make run on this folder may have replaced the file.
  [ -z "$running" ] || ! grep -qx "PORT=$port" "$running" || rm -f "$running"
  [ -z "$watch" ] || kill -- "-$watch" 2>/dev/null || true
  [ -z "$dynamodb" ] || kill "$dynamodb" 2>/dev/null || true
  until wait; do :; done
}
trap end EXIT
# make may forward a signal that this script also receives: the second one must not interrupt `end`.
trap 'trap : INT TERM; exit 0' INT TERM

# Waits until a command succeeds. Fails after a minute, or if the process that it depends on ends.
await() {
  local deadline=$((SECONDS + 60))
  until "${@:2}"; do
    { kill -0 "$1" 2>/dev/null && [ $SECONDS -lt $deadline ]; } || return 1
    sleep 0.2
  done
}

mkdir -p "$folder"
export AUTH_FILE=${AUTH_FILE:-$folder/store.json}
# Verifiers find the public keys under the issuer.
export JWT_ISSUER=${JWT_ISSUER:-$url}
# Links in emails lead to the page that is served here.
export SIGN_UP=${SIGN_UP:-open} MAIL_DIR=${MAIL_DIR:-$folder/mail} APP_URL=${APP_URL:-$url/account}
kept=$AUTH_FILE
# shellcheck source=scripts/dynamodb.sh
[ "$store" = file ] || . scripts/dynamodb.sh

# cargo-lambda prints warnings and errors, but not that it restarts a function; cargo and the functions print the rest.
export RUST_LOG=${RUST_LOG:-cargo_lambda=warn,cargo_lambda_watch::watcher=off}
echo "starting: the first requests below check that the functions respond"
# cargo-lambda gets its own process group, so that the functions end with it.
set -m
cargo-lambda lambda watch --quiet -A 127.0.0.1 -P "$port" &
watch=$!
set +m

responds() { [ "$(curl -s -m 30 -o /dev/null -w '%{http_code}' "${@:2}")" = "$1" ]; }
ready() { responds 401 "$url/api/v1/me" && responds 422 -X POST "$url/api/v1/login" && responds 200 "$url/account" && responds 422 -X POST "$url/api/v1/sign-up" && responds 200 "$url/docs"; }
await "$watch" ready || fail "the functions do not respond"
running=$folder/running.env
printf '%s\n' "PORT=$port" "STORE=$store" "AUTH_FILE=$AUTH_FILE" >"$running"

cat <<END

Ready. Open $url/ in a browser. In another terminal:

  TOKEN=\$(curl -s $url/api/v1/login -H 'content-type: application/json' -d '{"email":"john.doe@leapify.tech","password":"changeme"}' | sed 's/.*"access_token":"\([^"]*\).*/\1/'); echo "\$TOKEN"
  curl -s $url/api/v1/me -H "authorization: Bearer \$TOKEN"

Emails are files in $MAIL_DIR. Their links open $APP_URL. To sign up, and to read the newest email:

  curl -s $url/api/v1/sign-up -H 'content-type: application/json' -d '{"email":"jane.roe@example.com"}'
  python3 -c 'import email.policy as p, email as e, sys; print(e.message_from_binary_file(sys.stdin.buffer, policy=p.default).get_body(["plain"]).get_content())' <"\$(ls -t $(printf %q "$MAIL_DIR")/*.eml | head -1)"

END
[[ $algorithm = HS* ]] || cat <<END
Anyone can verify the tokens with the public keys at $url/.well-known/jwks.json

END
[ "$store" = file ] || cat <<END
To see and change the users:

  (set -a; . $(printf %q "$folder")/dynamodb.env; $(printf %q "$authctl") user list)

DynamoDB Local listens on every address of this machine and accepts any credentials.

END
echo "Ctrl-C stops the functions. Users, sessions and keys stay in $kept."
wait "$watch"
