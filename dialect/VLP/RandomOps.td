// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random numbers that depend on counters alone.
#ifndef VLP_RANDOMOPS_TD
#define VLP_RANDOMOPS_TD

include "dialect/VLP/VLPDialect.td"

def RandomDocGroup : OpDocGroup {
  let summary = "Random ops";
  let description = "Random numbers that depend on counters alone.";
}

let opDocGroup = RandomDocGroup in {

def VLP_RandomUniformOp : VLP_Op<"random_uniform", [VLP_Elementwise, VLP_NonDifferentiable]> {
  let summary = "Uniform numbers in (0, 1), a function of seed, step, stream and place";
  let description = [{
    Element i (row-major) is `(w + 1/2) 2^-23`, where w are the upper 23 bits of the first word of Philox4x32-10 (Salmon et al., "Parallel
    random numbers: as easy as 1, 2, 3", 2011) at counter (i, `step`, `stream`, 0) and key (`seed`, 0x766c7072). No value is 0 or 1. Draws
    that must differ have streams of their own; two ops of equal operands, stream and shape are one.

    Constraints: `random_uniform_c1` an f32 result of at most 2^31 - 1 elements; `random_uniform_c2` `stream` in [0, 2^32).

    Example:
    ```mlir
    %u = vlp.random_uniform %seed, %step {stream = 3 : i64} : (tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins VLP_IntScalar:$seed, VLP_IntScalar:$step, I64Attr:$stream);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
