# What the scripts beside this file share.  The server is named by MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_USER and MYSQL_PWD,
# the database by MYSQL_DATABASE.  The tools are those of this machine, or of the image BURSAR_MYSQL_TOOLS_IMAGE.
set -euo pipefail
umask 077
: "${MYSQL_HOST:?the address of the server}" "${MYSQL_USER:?the account}" "${MYSQL_PWD?the password of the account}"
database=${MYSQL_DATABASE:-bursar}
folder=$(realpath -m "${1:?a folder for the backup}")
mkdir -p "$folder"

tool() {  # tool NAME ARGUMENT…: run one tool of MySQL
  local name=$1
  shift
  local server=(--host="$MYSQL_HOST" --port="${MYSQL_TCP_PORT:-3306}" --user="$MYSQL_USER" --protocol=TCP)
  if [ -n "${BURSAR_MYSQL_TOOLS_IMAGE:-}" ]; then
    docker run --rm --interactive --network host --user "$(id -u):$(id -g)" --env MYSQL_PWD --env TZ=UTC \
      --volume "$folder:$folder" --workdir "$folder" --entrypoint "$name" "$BURSAR_MYSQL_TOOLS_IMAGE" \
      --no-defaults "${server[@]}" "$@"
  else
    TZ=UTC "$name" --no-defaults "${server[@]}" "$@"
  fi
}
