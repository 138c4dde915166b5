"""Compiles the fused kernels for GPUs that are not at hand, and prints what became of them.

Each line of the output is the JSON of one kernel: what it takes of registers and on-chip memory,
and how often which instruction stands in it.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from gclkit.ops.fused import _kernels
from gclkit.ops.fused._launch import plan_launch

TOOLS = Path(triton.__file__).parent / "backends/nvidia/bin"
POINTERS = {
    **dict.fromkeys(("ends_ptr", "keys_ptr"), "*i64"),
    **dict.fromkeys(("q_ptr", "k_ptr", "own_ptr", "other_ptr"), "operand"),
}
FLAGS = {"AS_QUERY": True, "AS_KEY": True, "NOT_SELF": True}


def compile_kernel(kernel, arch, dtype, launch, **flags):
    operand = {torch.bfloat16: "*bf16", torch.float32: "*fp32"}[dtype]
    constants = {**FLAGS, **launch._asdict(), **flags}
    signature, values, aligned = {}, {}, {}
    for at, name in enumerate(kernel.arg_names):
        if name in constants:
            signature[name], values[(at,)] = "constexpr", constants[name]
            continue
        kind = POINTERS.get(name, "*fp32" if name.endswith("_ptr") else "i32")
        signature[name] = operand if kind == "operand" else kind
        if name.endswith("_ptr") or name in ("d", "span"):
            aligned[(at,)] = [["tt.divisibility", 16]]
    options = {name: constants[name] for name in ("num_warps", "num_stages", "enable_fp_fusion")}
    source = ASTSource(kernel, signature, values, aligned)
    return triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options)


def describe(compiled):
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(compiled.asm["cubin"])
        command = [TOOLS / "cuobjdump", "-res-usage", file.name]
        usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ptx = compiled.asm["ptx"]
    return {
        "registers": int(re.search(r"REG:(\d+)", usage)[1]),
        "stack": int(re.search(r"STACK:(\d+)", usage)[1]),
        "shared": compiled.metadata.shared,
        "products": len(re.findall(r"wgmma\.mma_async|mma\.sync", ptx)),
        "prefetches": len(re.findall(r"cp\.async\.c", ptx)),
    }


def main():
    for case in json.loads(sys.argv[1]):
        dtype = getattr(torch, case["dtype"])
        torch.backends.cuda.matmul.allow_tf32 = case["tf32"]
        launch = plan_launch(case["width"], dtype, case["shared"])
        flags = {"BIAS": case["bias"], "EXCLUDES": case["excludes"]}
        for kernel in (_kernels.logsumexp_kernel, _kernels.weighted_sum_kernel):
            compiled = compile_kernel(kernel, case["arch"], dtype, launch, **flags)
            print(json.dumps({"kernel": kernel.__name__, **describe(compiled)}))


if __name__ == "__main__":
    main()
