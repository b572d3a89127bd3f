// All unknown names of a recipe are reported.
// RUN: vlp-opt %s --vlp-insert-optimizer --verify-diagnostics

// expected-error @+2 {{got 'train.speed'}}
// expected-error @+1 {{got 'train.step'}}
module attributes {vlp.recipe = {train.speed = 1.0 : f64, train.step = 1.0 : f64}} {
}
