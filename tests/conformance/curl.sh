#!/usr/bin/env bash
# Follows docs/CURL.md: its commands are cut out of the page and run, with what has to hold checked between them.
set -u
cd "$(dirname "$0")/../.."
build=${SOUK_BUILD_DIR:-build/release}
build=$(cd "$build" && pwd)
page=$PWD/docs/CURL.md
folder=$(mktemp -d)
cd "$folder" || exit 1
passed=0 failed=0 cluster='' reader=''
finish() {
  [[ -z $reader ]] || kill "$reader" 2>/dev/null
  [[ -z $cluster ]] || { kill "$cluster" && wait "$cluster"; } 2>/dev/null
  cd / && rm -rf "$folder"
  echo "$passed passed, $failed failed"
  ((failed == 0)) || exit 1
}
trap finish EXIT
check() {
  local what=$1
  shift
  if "$@"; then passed=$((passed + 1)) && echo "ok: $what"; else failed=$((failed + 1)) && echo "FAILED: $what"; fi
}
# Waits up to a minute for a line in the events.
hears() {
  local i
  for ((i = 0; i < 600; i++)); do
    grep -q -- "$1" events 2>/dev/null && return 0
    sleep 0.1
  done
  cat events
  return 1
}

# The page's blocks, in order: one file each. A block is what is indented by four.
awk -v folder="$folder" '
  /^    / { if (!inside) { inside = 1; number++ } print substr($0, 5) > (folder "/block" number); next }
  NF { inside = 0 }' "$page"

"$build/souk" local --agents=1 --port=0 --resources="cpus:1;mem:512" >local.out &
cluster=$!
for ((i = 0; i < 600; i++)); do
  grep -q '^work_dir' local.out && break
  sleep 0.1
done
master=$(grep -o 'http://[0-9.:]*' local.out)
check "a cluster serves" test -n "$master"

source ./block2 # subscribe
reader=$!
check "the answer is a stream" grep -q '^HTTP/1.1 200' headers
check "SUBSCRIBED comes" hears '"type":"SUBSCRIBED"'
check "OFFERS comes" hears '"type":"OFFERS"'
source ./block3 # ids
check "ids are read off" test -n "$framework" -a -n "$offer" -a -n "$agent"
source ./block4 # accept
check "TASK_STARTING comes" hears '"state":"TASK_STARTING"'
source ./block5 # acknowledge
check "TASK_RUNNING comes once that is acknowledged" hears '"state":"TASK_RUNNING"'
acknowledge "$(grep -o '"uuid":"[^"]*' events | tail -1 | cut -d'"' -f4)"
check "TASK_FINISHED comes" hears '"state":"TASK_FINISHED"'
acknowledge "$(grep -o '"uuid":"[^"]*' events | tail -1 | cut -d'"' -f4)"
check "the output can be read" test "$(source ./block6 | grep -c 'hello')" = 1
source ./block7 # tear down
for ((i = 0; i < 600; i++)); do
  kill -0 "$reader" 2>/dev/null || break
  sleep 0.1
done
check "the stream ends" test ! -e "/proc/$reader"
reader=
