#!/usr/bin/env bash
# Guards training on a simulated GPU: its losses are the CPU's, every schedule of threads and copies and a replayed graph leave the
# same bits, and checked mode reports nothing.
#   sim.sh BIN DATA OUT   BIN holds vlpc and vlp-run; DATA is an emoji dataset, prepared in OUT if it is not there; OUT is emptied and filled.
# VLP_EMOJI_PACKAGES: packages fetched before.
set -euo pipefail
bin=$1 data=$2 out=$3
PATH=$bin:$PATH
rm -rf "$out"
mkdir -p "$out"
cd "$out"

fail() { echo "FAILED: $*" >&2; exit 1; }

echo "== data"
if ! vlp-run data info "$data" >data.log 2>&1; then
  data=emoji
  if ! vlp-run data prepare emoji --out="$data" ${VLP_EMOJI_PACKAGES:+--packages="$VLP_EMOJI_PACKAGES"} >data.log 2>&1; then
    cat data.log
    echo "SKIPPED: the emoji packages cannot be had here"
    exit 77
  fi
fi

echo "== compile"
vlpc clip/tiny --set=vocab=1024,context=16 --target=cpu --target=sim --entry=train:batch=32,encode_image,encode_text -o tiny.vlp

train() { # NAME STEPS DEVICE
  vlp-run train tiny.vlp --data="$data" --out="$1" --steps="$2" --eval-every=0 --checkpoint-every=0 --device="$3" >"$1.log" 2>&1 ||
    { cat "$1.log"; fail "training on $3"; }
}

echo "== losses"
train cpu 20 cpu
train forward 20 sim
python3 - <<'PY'
import json, sys
def losses(run):
    lines = [json.loads(line) for line in open(f"{run}/log.jsonl")]
    return {line["step"]: line["loss"] for line in lines if "loss" in line and "step" in line}
cpu, sim = losses("cpu"), losses("forward")
if len(cpu) != 20 or cpu.keys() != sim.keys():
    sys.exit(f"FAILED: expected losses of 20 steps, got {sorted(cpu)} on the CPU and {sorted(sim)} in the simulator")
worst = max(cpu, key=lambda step: abs(sim[step] - cpu[step]) / abs(cpu[step]))
error = abs(sim[worst] - cpu[worst]) / abs(cpu[worst])
print(f"largest relative difference of losses: {error:.1e}, in step {worst}")
if not error <= 1e-4:
    sys.exit(f"FAILED: the loss of step {worst} is {sim[worst]} in the simulator and {cpu[worst]} on the CPU")
PY

echo "== schedules"
train forward10 10 sim
for options in order=reverse order=random,seed=3 graph=off; do
  train "$options" 10 "sim:$options"
  cmp forward10/checkpoint.safetensors "$options/checkpoint.safetensors" || fail "results depend on the schedule: $options"
done

echo "== checked"
train checked 2 sim:checked
echo "training in the simulator: all of it holds"
