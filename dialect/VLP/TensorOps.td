// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes, elementwise functions and reductions.
#ifndef VLP_TENSOROPS_TD
#define VLP_TENSOROPS_TD

include "dialect/VLP/VLPDialect.td"

def TensorDocGroup : OpDocGroup {
  let summary = "Tensor ops";
  let description = "Shapes, elementwise functions and reductions.";
}

let opDocGroup = TensorDocGroup in {

def VLP_ConstantOp : VLP_Op<"constant", [ConstantLike, VLP_NonDifferentiable, InferTypeOpAdaptor]> {
  let summary = "A tensor known at compile time";
  let description = [{
    `result = value`.

    Constraints: `constant_c1` the type of `value` is the result type.

    Example:
    ```mlir
    %half = vlp.constant dense<0.5> : tensor<f32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ $value attr-dict }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def VLP_ReshapeOp : VLP_DiffOp<"reshape", [VLP_View]> {
  let summary = "The same elements in the same row-major order under another shape";
  let description = [{
    Constraints: `reshape_c1` equal element count; `reshape_c2` equal element type.

    Example:
    ```mlir
    %y = vlp.reshape %x : (tensor<2x6xf32>) -> tensor<3x4xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$input);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def VLP_TransposeOp : VLP_DiffOp<"transpose", [VLP_View, InferTypeOpAdaptor]> {
  let summary = "Permutes dimensions";
  let description = [{
    `result[i_p(0), ..., i_p(n-1)] = input[i_0, ..., i_n-1]`: dimension `d` of the result is dimension `permutation[d]` of the input.

    Constraints: `transpose_c1` `permutation` is a permutation of the input's dimensions.

    Example:
    ```mlir
    %y = vlp.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x6xf32>) -> tensor<6x2xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def VLP_BroadcastOp : VLP_DiffOp<"broadcast", [VLP_View]> {
  let summary = "Repeats a tensor to a larger shape";
  let description = [{
    Shapes are aligned at their ends; a dimension of 1 (or a missing one) repeats. The gradient sums over the repeats.

    Constraints: `broadcast_c1` the input's shape broadcasts to the result's; `broadcast_c2` equal element type.

    Example:
    ```mlir
    %y = vlp.broadcast %x : (tensor<1x6xf32>) -> tensor<4x2x6xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$input);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def VLP_SliceOp : VLP_DiffOp<"slice", [VLP_View, InferTypeOpAdaptor]> {
  let summary = "A contiguous box of a tensor";
  let description = [{
    `result[i] = input[i + offsets]`.

    Constraints: `slice_c1` one offset and one size a dimension; `slice_c2` the box lies inside the input.

    Example:
    ```mlir
    %q = vlp.slice %qkv {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 2, 5, 8>} : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$input, DenseI64ArrayAttr:$offsets, DenseI64ArrayAttr:$sizes);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def VLP_PadOp : VLP_DiffOp<"pad", [InferTypeOpAdaptor]> {
  let summary = "Zeros around a tensor: the adjoint of a slice";
  let description = [{
    `result[i + low] = input[i]`, zero elsewhere; dimension `d` of the result has `low[d] + input + high[d]` elements.

    Constraints: `pad_c1` one low and one high amount a dimension, none negative.

    Example:
    ```mlir
    %y = vlp.pad %x {low = array<i64: 0, 1>, high = array<i64: 0, 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_ConcatOp : VLP_DiffOp<"concat", [InferTypeOpAdaptor]> {
  let summary = "Joins tensors along one dimension";
  let description = [{
    Constraints: `concat_c1` at least one input; `concat_c2` `axis` is a dimension; `concat_c3` all other dimensions and the element
    types agree.

    Example:
    ```mlir
    %y = vlp.concat %a, %b {axis = 1 : i64} : (tensor<2x1x8xf32>, tensor<2x4x8xf32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins Variadic<VLP_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_GatherRowsOp : VLP_DiffOp<"gather_rows", [InferTypeOpAdaptor]> {
  let summary = "Picks one row of every matrix of a batch";
  let description = [{
    `result[b, :] = input[b, index[b], :]`. Indices outside the matrix are the caller's error; the interpreter fails on them.

    Constraints: `gather_rows_c1` input of rank 3; `gather_rows_c2` index of shape `[B]`.

    Example:
    ```mlir
    %y = vlp.gather_rows %x, %i : (tensor<2x5x8xf32>, tensor<2xi32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_IntTensor:$index);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_ScatterRowsOp : VLP_DiffOp<"scatter_rows", []> {
  let summary = "Puts one row into every matrix of a batch: the adjoint of gather_rows";
  let description = [{
    `result[b, index[b], :] = input[b, :]`, zero elsewhere.

    Constraints: `scatter_rows_c1` input of rank 2, result of rank 3 with equal first and last dimension; `scatter_rows_c2` index of
    shape `[B]`.

    Example:
    ```mlir
    %y = vlp.scatter_rows %x, %i : (tensor<2x8xf32>, tensor<2xi32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_IntTensor:$index);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_ArgmaxOp : VLP_Op<"argmax", [VLP_NonDifferentiable, InferTypeOpAdaptor]> {
  let summary = "Position of the largest element along the last dimension";
  let description = [{
    The first one where several are equal.

    Constraints: `argmax_c1` rank at least 1 and a last dimension that is not empty.

    Example:
    ```mlir
    %i = vlp.argmax %ids : (tensor<2x8xi32>) -> tensor<2xi32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$input);
  let results = (outs VLP_IntTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_AddOp : VLP_DiffOp<"add", [VLP_Elementwise, InferTypeOpAdaptor]> {
  let summary = "Elementwise `lhs + rhs`";
  let description = [{
    Operands broadcast by the trailing-dimension rule: shapes are aligned at their ends, and a dimension of 1 (or a missing one)
    repeats.

    Constraints: `add_c1` the shapes broadcast together; `add_c2` equal element type.

    Example:
    ```mlir
    %z = vlp.add %x, %y : (tensor<2x5x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$lhs, VLP_Tensor:$rhs);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_SubOp : VLP_DiffOp<"sub", [VLP_Elementwise, InferTypeOpAdaptor]> {
  let summary = "Elementwise `lhs - rhs`";
  let description = [{
    Operands broadcast by the trailing-dimension rule: shapes are aligned at their ends, and a dimension of 1 (or a missing one)
    repeats.

    Constraints: `sub_c1` the shapes broadcast together; `sub_c2` equal element type.

    Example:
    ```mlir
    %z = vlp.sub %x, %y : (tensor<2x5x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$lhs, VLP_Tensor:$rhs);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_MulOp : VLP_DiffOp<"mul", [VLP_Elementwise, InferTypeOpAdaptor]> {
  let summary = "Elementwise `lhs * rhs`";
  let description = [{
    Operands broadcast by the trailing-dimension rule: shapes are aligned at their ends, and a dimension of 1 (or a missing one)
    repeats.

    Constraints: `mul_c1` the shapes broadcast together; `mul_c2` equal element type.

    Example:
    ```mlir
    %z = vlp.mul %x, %y : (tensor<2x5x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$lhs, VLP_Tensor:$rhs);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_DivOp : VLP_DiffOp<"div", [VLP_Elementwise, InferTypeOpAdaptor]> {
  let summary = "Elementwise `lhs / rhs`";
  let description = [{
    Operands broadcast by the trailing-dimension rule: shapes are aligned at their ends, and a dimension of 1 (or a missing one)
    repeats.

    Constraints: `div_c1` the shapes broadcast together; `div_c2` equal element type.

    Example:
    ```mlir
    %z = vlp.div %x, %y : (tensor<2x5x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$lhs, VLP_Tensor:$rhs);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_NegOp : VLP_DiffOp<"neg", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Elementwise negation";
  let description = [{
    `y = -x`.

    Example:
    ```mlir
    %y = vlp.neg %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_ExpOp : VLP_DiffOp<"exp", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Elementwise exponential";
  let description = [{
    `y = e^x`.

    Example:
    ```mlir
    %y = vlp.exp %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_LogOp : VLP_DiffOp<"log", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Elementwise natural logarithm";
  let description = [{
    `y = ln x`.

    Example:
    ```mlir
    %y = vlp.log %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_TanhOp : VLP_DiffOp<"tanh", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Elementwise hyperbolic tangent";
  let description = [{
    `y = tanh x`.

    Example:
    ```mlir
    %y = vlp.tanh %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_SigmoidOp : VLP_DiffOp<"sigmoid", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Elementwise logistic function";
  let description = [{
    `y = 1 / (1 + e^-x)`.

    Example:
    ```mlir
    %y = vlp.sigmoid %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_GeluOp : VLP_DiffOp<"gelu", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Gaussian error linear unit, exact form";
  let description = [{
    `y = x/2 (1 + erf(x / sqrt 2))`.
    The form of BERT, ViT and LAION CLIP weights (arXiv 1606.08415).

    Example:
    ```mlir
    %y = vlp.gelu %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_QuickGeluOp : VLP_DiffOp<"quick_gelu", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Sigmoid approximation of GELU";
  let description = [{
    `y = x / (1 + e^(-1.702 x))`.
    The form of the OpenAI CLIP weights.

    Example:
    ```mlir
    %y = vlp.quick_gelu %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_GeluGradOp : VLP_Op<"gelu_grad", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Gradient of gelu at `input`";
  let description = [{
    `dx = dy (Phi(x) + x phi(x)), with Phi and phi the distribution and density of the standard normal`.

    Example:
    ```mlir
    %dx = vlp.gelu_grad %x, %dy : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_FloatTensor:$gradient);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_QuickGeluGradOp : VLP_Op<"quick_gelu_grad", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "Gradient of quick_gelu at `input`";
  let description = [{
    `dx = dy s (1 + 1.702 x (1 - s)), with s = sigmoid(1.702 x)`.

    Example:
    ```mlir
    %dx = vlp.quick_gelu_grad %x, %dy : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_FloatTensor:$gradient);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_CastOp : VLP_DiffOp<"cast", [VLP_Elementwise]> {
  let summary = "Converts the element type";
  let description = [{
    Float to float (rounded to nearest even; the interpreter's f64 mode does not round) or i32 to float. The gradient converts back; i32 has none.

    Constraints: `cast_c1` equal shape; `cast_c2` the result is a float tensor.

    Example:
    ```mlir
    %y = vlp.cast %n : (tensor<i32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_EqualOp : VLP_Op<"equal", [VLP_Elementwise, VLP_NonDifferentiable, InferTypeOpAdaptor]> {
  let summary = "Elementwise comparison for equality";
  let description = [{
    `result = lhs = rhs ? 1 : 0`: a flag for `select`, or a number after `cast`. NaN equals nothing. Operands broadcast by the
    trailing-dimension rule.

    Constraints: `equal_c1` the shapes broadcast together; `equal_c2` equal element type.

    Example:
    ```mlir
    %pad = vlp.equal %ids, %zero : (tensor<2x8xi32>, tensor<i32>) -> tensor<2x8xi32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$lhs, VLP_Tensor:$rhs);
  let results = (outs VLP_IntTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_LessOp : VLP_Op<"less", [VLP_Elementwise, VLP_NonDifferentiable, InferTypeOpAdaptor]> {
  let summary = "Elementwise comparison for order";
  let description = [{
    `result = lhs < rhs ? 1 : 0`: a flag for `select`, or a number after `cast`. False where one is NaN. Operands broadcast by the
    trailing-dimension rule.

    Constraints: `less_c1` the shapes broadcast together; `less_c2` equal element type.

    Example:
    ```mlir
    %keep = vlp.less %u, %rate : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xi32>
    ```
  }];
  let arguments = (ins VLP_Tensor:$lhs, VLP_Tensor:$rhs);
  let results = (outs VLP_IntTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_SelectOp : VLP_DiffOp<"select", [VLP_Elementwise, InferTypeOpAdaptor]> {
  let summary = "One of two elements, by a flag on the device";
  let description = [{
    `result = condition != 0 ? lhs : rhs`, where the condition repeats by the trailing-dimension rule.

    Constraints: `select_c1` `lhs`, `rhs` and the result have one type; `select_c2` the condition's shape broadcasts to it.

    Example:
    ```mlir
    %y = vlp.select %flag, %new, %old : (tensor<i32>, tensor<f32>, tensor<f32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins VLP_IntTensor:$condition, VLP_Tensor:$lhs, VLP_Tensor:$rhs);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_ReduceSumOp : VLP_DiffOp<"reduce_sum", [InferTypeOpAdaptor]> {
  let summary = "Sum over some dimensions";
  let description = [{
    `result[kept] = sum over the dimensions `axes` of input`; the reduced dimensions vanish from the shape. Accumulated in f32 at
    least, in a fixed order.

    Constraints: `reduce_sum_c1` `axes` are distinct dimensions in increasing order.

    Example:
    ```mlir
    %s = vlp.reduce_sum %x {axes = array<i64: 0, 1>} : (tensor<2x5x8xf32>) -> tensor<8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, DenseI64ArrayAttr:$axes);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_AccumulateOp : VLP_DiffOp<"accumulate", [VLP_Elementwise, InferTypeOpAdaptor]> {
  let summary = "Sum of gradient contributions, in operand order";
  let description = [{
    `result = ((inputs[0] + inputs[1]) + inputs[2]) + ...`, in f32. The order is part of the meaning: results are deterministic.

    Constraints: `accumulate_c1` at least one input; `accumulate_c2` all types equal.

    Example:
    ```mlir
    %g = vlp.accumulate %a, %b : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    ```
  }];
  let arguments = (ins Variadic<VLP_FloatTensor>:$inputs);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def VLP_StopGradientOp : VLP_Op<"stop_gradient", [VLP_View, VLP_NonDifferentiable, SameOperandsAndResultType]> {
  let summary = "Identity whose gradient is zero";
  let description = [{
    `result = input`; nothing upstream of it learns through it.

    Example:
    ```mlir
    %y = vlp.stop_gradient %x : (tensor<8xf32>) -> tensor<8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

} // opDocGroup

#endif
