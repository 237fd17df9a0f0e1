#!/bin/sh
# The whole way in one folder: train, freeze, verify, make a site, approve by two people, release,
# serve, ask. `sh freeze_and_serve.sh run` takes about five minutes; `sh freeze_and_serve.sh run
# --films 200 --epochs 2` one, and its answers are then worth even less.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=$1
shift
mkdir -p "$run"
run=$(cd "$run" && pwd)
cd "$here"
python train.py --out "$run" "$@"
cd "$run"

bedside keys new author.pem
bedside freeze opacity.pth --module "$here/net.py:OpacityNet" --spec spec.toml --data films \
  --key author.pem --out opacity.bedside
bedside verify opacity.bedside --trust author.pub

bedside init --name "Demonstration ward" --admin "Administrator" --key-out admin.key
for person in "Developer:developer" "Approver one:approver" "Approver two:approver" \
              "Operator:operator" "Clinician:clinician"; do
  bedside people add "${person%:*}" --role "${person#*:}" --key-file admin.key \
    --key-out "${person%:*}.key"
done
bedside keys trust author.pub --name "The author of the example" --key-file admin.key

MODEL=chest-film-opacity@1.0.0
bedside registry add opacity.bedside --key-file Developer.key
bedside registry verify $MODEL --key-file Developer.key
for approver in one two; do
  bedside registry approve $MODEL --key-file "Approver $approver.key" \
    --meaning "A demonstration on drawn films; nobody is treated by it."
done
bedside registry release $MODEL --reason "To show how it is done" --key-file Operator.key

PORT=${PORT:-8000}
bedside serve --port "$PORT" 2> service.log &
server=$!
trap 'kill $server' EXIT
python - "http://127.0.0.1:$PORT/readyz" <<'READY'
import sys, time, urllib.request
for _ in range(150):
    try:
        sys.exit(urllib.request.urlopen(sys.argv[1]).status != 200)
    except OSError:
        time.sleep(0.2)
sys.exit("The service did not start; service.log says why.")
READY
python "$here/ask.py" "http://127.0.0.1:$PORT" Clinician.key film.png film.dcm ${TIBIA:-}
