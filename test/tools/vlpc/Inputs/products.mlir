// Two products: one whose sum has parts to split, one that has not.
func.func @products(%x: tensor<128x128xf32> {vlp.name = "x"}, %w: tensor<128x128xf32> {vlp.name = "w"},
                    %u: tensor<128x32xf32> {vlp.name = "u"}, %v: tensor<32x128xf32> {vlp.name = "v"})
    -> (tensor<128x128xf32> {vlp.name = "long"}, tensor<128x128xf32> {vlp.name = "short"}) attributes {vlp.entry = "products"} {
  %long = vlp.matmul %x, %w : (tensor<128x128xf32>, tensor<128x128xf32>) -> tensor<128x128xf32> loc("long")
  %short = vlp.matmul %u, %v : (tensor<128x32xf32>, tensor<32x128xf32>) -> tensor<128x128xf32> loc("short")
  return %long, %short : tensor<128x128xf32>, tensor<128x128xf32>
}
