#!/usr/bin/env python3
# Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How far PyTorch's bf16 autocast is from f64 on a golden file of CLIP: the measure of our own bf16 code.

Run by hand, with PyTorch and safetensors installed:  clip_autocast.py GOLDEN.safetensors OUT.json

The model (two transformers, arXiv 2103.00020) is written in plain PyTorch at the sizes that the file's tensors imply, and
run forward and backward in f64, in f32 and in f32 under torch.autocast(bfloat16) on the CPU. f64 and f32 must give the
file's numbers, or nothing is written. Where the official model casts (its layer norm computes in f32 and gives back its
input's type, the image tower adds its embeddings in the convolution's type), this one does: under autocast the image
tower's residual stream is bf16.

OUT.json gets, for the loss, the logits and each gradient, |autocast - f64| / |f64| (Euclidean norms), and the same of all
gradients as one vector ("gradients"). Tensors whose gradient is zero but for rounding are left out, as by `vlp-check
parity`. The numbers of shared/golden/clip_vit_tiny.safetensors are in
test/tools/vlp-check/clip_vit_tiny_bf16_autocast.json.
"""
import hashlib
import json
import pathlib
import re
import sys

import safetensors
import torch
import torch.nn.functional as F

ACTIVATIONS = {"quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "gelu": F.gelu}


class Clip:
    """Parameters by their names in checkpoints, and the functions of the paper."""

    def __init__(self, parameters, metadata):
        self.p = parameters
        self.activation = ACTIVATIONS[metadata["act"]]
        self.eps = float(metadata["ln_eps"])

    def layer_norm(self, name, x):
        # In f32 whatever x is, as the official model has it.
        width = self.p[name + ".weight"].shape
        wide = torch.promote_types(x.dtype, torch.float32)
        y = F.layer_norm(x.to(wide), width, self.p[name + ".weight"], self.p[name + ".bias"], self.eps)
        return y.to(x.dtype)

    def linear(self, name, x):
        return F.linear(x, self.p[name + ".weight"], self.p[name + ".bias"])

    def attention(self, name, x, causal):
        batch, length, width = x.shape
        qkv = F.linear(x, self.p[name + ".in_proj_weight"], self.p[name + ".in_proj_bias"])
        heads = max(1, width // 64)
        q, k, v = qkv.view(batch, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.linear(name + ".out_proj", y.transpose(1, 2).reshape(batch, length, width))

    def transformer(self, prefix, x, causal):
        layers = {int(m[1]) for name in self.p if (m := re.match(re.escape(prefix) + r"\.(\d+)\.", name))}
        for layer in sorted(layers):
            block = f"{prefix}.{layer}."
            x = x + self.attention(block + "attn", self.layer_norm(block + "ln_1", x), causal)
            hidden = self.activation(self.linear(block + "mlp.c_fc", self.layer_norm(block + "ln_2", x)))
            x = x + self.linear(block + "mlp.c_proj", hidden)
        return x

    def encode_image(self, image):
        weight = self.p["visual.conv1.weight"]
        x = F.conv2d(image, weight, stride=weight.shape[-1]).flatten(2).transpose(1, 2)
        token = self.p["visual.class_embedding"].to(x.dtype).expand(x.shape[0], 1, -1)
        x = torch.cat([token, x], dim=1) + self.p["visual.positional_embedding"].to(x.dtype)
        x = self.transformer("visual.transformer.resblocks", self.layer_norm("visual.ln_pre", x), causal=False)
        return self.layer_norm("visual.ln_post", x[:, 0]) @ self.p["visual.proj"]

    def encode_text(self, text):
        x = self.p["token_embedding.weight"][text] + self.p["positional_embedding"][: text.shape[1]]
        x = self.layer_norm("ln_final", self.transformer("transformer.resblocks", x, causal=True))
        return x[torch.arange(len(text)), text.argmax(dim=-1)] @ self.p["text_projection"]

    def loss(self, image, text):
        image, text = self.encode_image(image), self.encode_text(text)
        image, text = image / image.norm(dim=1, keepdim=True), text / text.norm(dim=1, keepdim=True)
        logits = self.p["logit_scale"].exp() * image @ text.t()
        target = torch.arange(len(logits))
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)) / 2, logits


def run(tensors, metadata, dtype, autocast):
    """Loss, logits and gradients in f64."""
    parameters = {
        name.removeprefix("param/"): tensor.to(dtype, copy=True).requires_grad_()
        for name, tensor in tensors.items()
        if name.startswith("param/")
    }
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        loss, logits = Clip(parameters, metadata).loss(tensors["in/image"].to(dtype), tensors["in/text"])
    loss.backward()
    results = {"loss": loss.reshape(1), "logits_per_image": logits}
    results |= {"grad/" + name: parameter.grad for name, parameter in parameters.items()}
    return {name: tensor.detach().double() for name, tensor in results.items()}


def distance(a, b, names):
    return sum(((a[name] - b[name]) ** 2).sum() for name in names) ** 0.5


def norm(a, names):
    return sum((a[name] ** 2).sum() for name in names) ** 0.5


def main(golden, out):
    with safetensors.safe_open(golden, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    outputs = [name for name in tensors if name.startswith(("out/", "grad/"))]
    expected = {name.removeprefix("out/"): tensors[name].double() for name in outputs}
    f64 = run(tensors, metadata, torch.float64, autocast=False)
    f32 = run(tensors, metadata, torch.float32, autocast=False)
    bf16 = run(tensors, metadata, torch.float32, autocast=True)

    gradients = [name for name in f64 if name.startswith("grad/")]
    largest = max(norm(f64, [name]) for name in gradients)
    compared = [name for name in f64 if name not in gradients or norm(f64, [name]) > 1e-7 * largest]
    for name in compared:
        for which, ours in ("f64", f64), ("f32", f32):
            error = float(distance(ours, expected, [name]) / norm(expected, [name]))
            if not error <= 1e-5:
                sys.exit(f"error: {name} in {which} is {error:.1e} from the file's, expected at most 1e-5")
    compared_gradients = [name for name in compared if name in gradients]
    errors = {name: distance(bf16, f64, [name]) / norm(f64, [name]) for name in compared}
    errors["gradients"] = distance(bf16, f64, compared_gradients) / norm(f64, compared_gradients)
    document = {
        "what": "relative error of PyTorch's bf16 autocast on the CPU against f64, from tools/reference/clip_autocast.py",
        "torch": torch.__version__.split("+")[0],
        "golden": pathlib.Path(golden).name,
        "golden_sha256": hashlib.sha256(pathlib.Path(golden).read_bytes()).hexdigest(),
        "errors": {name: float(f"{error:.4g}") for name, error in errors.items()},
    }
    pathlib.Path(out).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("error: expected: clip_autocast.py GOLDEN.safetensors OUT.json")
    torch.manual_seed(0)
    main(*sys.argv[1:])
