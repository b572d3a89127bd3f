// A few kernels that compile in no time, on every target.
func.func @small(%x: tensor<37x65xf32> {vlp.name = "x"}, %y: tensor<3x5xf32> {vlp.name = "y"})
    -> (tensor<37x65xf32> {vlp.name = "gelu"}, tensor<6x5xf32> {vlp.name = "twice"}) attributes {vlp.entry = "small"} {
  %gelu = vlp.gelu %x : (tensor<37x65xf32>) -> tensor<37x65xf32>
  %twice = vlp.concat %y, %y {axis = 0 : i64} : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<6x5xf32>
  return %gelu, %twice : tensor<37x65xf32>, tensor<6x5xf32>
}
