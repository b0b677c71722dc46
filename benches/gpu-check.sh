#!/bin/sh
# Holds an NVIDIA GPU beside the CPU, trains on it, measures it, and writes result.md and result.json.
#
#   sh gpu-check.sh [--out DIR] [--device cuda:0] [--peak-tflops N]
#
# `cargo xtask gpu-check` runs this in target/cuda/gpu-check. The same directory, unpacked from gpu-check.tar.gz on a machine
# that has a GPU and neither cargo nor a CUDA toolkit, runs it too: it needs the driver and CUDA's runtime libraries.
# `--device cpu` tries the script itself, with small models and the engine's composed operations in double precision.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here/result
device=cuda:0
peak=0

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1: expected a value behind it"
    case $1 in
    --out) out=$2 ;;
    --device) device=$2 ;;
    --peak-tflops) peak=$2 ;;
    *) fail "expected --out DIR, --device cuda:N or --peak-tflops N, found $1" ;;
    esac
    shift 2
done

for file in farthing device_check plugins build.txt countdown-tiny.toml; do
    [ -e "$here/$file" ] || fail "$here/$file is not there; run this in the directory that \`cargo xtask cuda-build\` makes"
done

build_fact() {
    sed -n "s/^$1: //p" "$here/build.txt"
}

# The GPU that the check is for.
look_at_gpu() {
    command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 || fail \
        "no NVIDIA GPU here: nvidia-smi is missing or finds none, so nothing was checked." \
        "Copy $here (or gpu-check.tar.gz beside it) to a machine that has one, and run" \
        "    tar xzf gpu-check.tar.gz && sh gpu-check/gpu-check.sh"
    gpu=$(query name)
    capability=$(query compute_cap | tr -d .)
    built_for=$(build_fact 'compute capability')
    # From 9.0 on Candle's kernels are built for one capability alone; older ones run on everything newer.
    [ "$capability" -eq "$built_for" ] || { [ "$built_for" -lt 90 ] && [ "$capability" -gt "$built_for" ]; } || fail \
        "$gpu has compute capability $capability; the kernels here were built for $built_for." \
        "Build again with \`cargo xtask cuda-build --compute-capability $capability\`."
}

query() {
    nvidia-smi --id="${device#cuda:}" --query-gpu="$1" --format=csv,noheader
}

# CUDA's libraries come with a toolkit, a container, conda or Python wheels; the loader knows few of these places.
find_libraries() {
    missing() {
        ldd "$here/device_check" 2>&1 | grep 'not found' || true
    }
    for directory in \
        "${CUDA_HOME:-/usr/local/cuda}"/lib64 \
        /usr/local/cuda/lib64 /usr/local/cuda-*/lib64 /usr/local/cuda-*/targets/x86_64-linux/lib \
        /usr/lib/wsl/lib /usr/local/nvidia/lib64 \
        ${CONDA_PREFIX:+"$CONDA_PREFIX/lib"} \
        $(python_libraries); do
        [ -n "$(missing)" ] || return 0
        if [ -d "$directory" ]; then
            LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$directory
            export LD_LIBRARY_PATH
        fi
    done
    # The wheels of CUDA 12 have its number in their names.
    suffix=$(build_fact cuda | sed -n 's/^12\..*/-cu12/p')
    [ -z "$(missing)" ] || fail \
        "these libraries are missing, or are other versions than the build's (CUDA $(build_fact cuda)):" \
        "$(missing)" \
        "libcuda.so.1 is the driver's. CUDA's own come with the toolkit, or from PyPI:" \
        "    python3 -m venv cuda-libs && cuda-libs/bin/pip install \\" \
        "        'nvidia-cublas$suffix==$(build_fact cuda).*' 'nvidia-cuda-runtime$suffix==$(build_fact cuda).*' nvidia-curand$suffix" \
        "    export LD_LIBRARY_PATH=\$(find \$PWD/cuda-libs -path '*nvidia*' -name lib | paste -sd:)" \
        "If GLIBC is named, this system is older than the one" \
        "that built; run \`cargo xtask gpu-check\` here instead."
}

# Where pip has put NVIDIA's wheels, with PyTorch for instance.
python_libraries() {
    command -v python3 >/dev/null 2>&1 || return 0
    python3 -c 'import glob, site, sys
for root in {*sys.path, site.getusersitepackages()}:
    print(*glob.glob(root + "/nvidia/*/lib"))' 2>/dev/null || true
}

case $device in
cpu)
    capability=
    precisions="f64 f16"
    run_precisions=f32
    shapes=tiny
    sizes="--precision f16 --prompts 2 --group 2 --prompt-tokens 8 --new-tokens 8"
    ;;
*)
    look_at_gpu
    precisions="f32 bf16"
    run_precisions=$precisions
    shapes="qwen2.5-0.5b qwen2.5-1.5b"
    sizes=
    ;;
esac
find_libraries

mkdir -p "$out"
# A failed step's last lines go into the result; a backtrace would push the reason out.
export RUST_BACKTRACE=0
work=$(mktemp -d "$out/steps.XXXXXX")
cp "$here/build.txt" "$work/build.txt"
{
    if [ "$device" != cpu ]; then
        echo "gpu: $gpu"
        echo "driver: $(query driver_version)"
        echo "gpu memory: $(query memory.total)"
    fi
    echo "device: $device"
    echo "compute capability of the gpu: ${capability:-none}"
    echo "processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
    echo "system: $(uname -sr)"
    echo "date: $(date -u '+%Y-%m-%d %H:%M UTC')"
} >"$work/machine.txt"

# Runs a step to its end, whatever that is: the report names those that failed.
step() {
    name=$1
    shift
    echo "== $name"
    status=0
    "$@" >"$work/$name.out" 2>"$work/$name.err" || status=$?
    echo "$status" >"$work/$name.status"
    tail -n 5 "$work/$name.err"
}

for precision in $precisions; do
    step "parity-$precision" "$here/device_check" parity --device "$device" --precision "$precision"
done
# Fewer steps than the recipe has: enough to see that the device learns.
for precision in $run_precisions; do
    step "run-$precision" "$here/farthing" train "$here/countdown-tiny.toml" --out "$work/run-$precision" \
        --set run.device="$device" --set run.dtype="$precision" \
        --set stage.0.steps=250 --set stage.1.steps=100 --set stage.1.eval.every=100
done
for shape in $shapes; do
    # shellcheck disable=SC2086 # The sizes are several words.
    step "throughput-$shape" "$here/device_check" throughput --device "$device" --shape "$shape" $sizes
done

echo
"$here/device_check" report --work "$work" --out "$out" --peak-tflops "$peak"
echo "written to $out/result.md and result.json"
