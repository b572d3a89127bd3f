// Updates with the same scalars and the same decay become one kernel; a batch ends where one of its results is used, and at its size.
// RUN: vlp-opt %s --split-input-file --vlp-batch-updates=most=3 | FileCheck %s

!w = tensor<4x2xf32>
!b = tensor<4xf32>
!s = tensor<f32>
!i = tensor<i32>

// CHECK-LABEL: func.func @two_groups
// The decayed weight stays alone, the two biases share a kernel; equal scalars are one operand.
// CHECK-SAME: (%[[WEIGHT:.*]]: tensor<4x2xf32>, %[[BIAS:.*]]: tensor<4xf32>, %[[RATE:.*]]: tensor<f32>, %[[STEP:.*]]: tensor<i32>, %[[OTHER:.*]]: tensor<4xf32>)
// CHECK: %[[W:.*]]:3 = vlp.kernel "adamw"(%[[WEIGHT]], %[[RATE]], %[[STEP]])
// CHECK: %[[B:.*]]:6 = vlp.kernel "adamw"(%[[BIAS]], %[[RATE]], %[[STEP]], %[[OTHER]])
// CHECK-COUNT-2: vlp.adamw
// CHECK-NOT: vlp.kernel
// CHECK: return %[[W]]#0, %[[B]]#0, %[[B]]#3
func.func @two_groups(%w: !w, %b: !b, %f: !s, %n: !i, %c: !b) -> (!w, !b, !b) {
  %w1, %wm, %wv = vlp.kernel "adamw"(%w, %f, %n) : (!w, !s, !i) -> (!w, !w, !w) {
  ^bb0(%p: !w, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k {decay} : (!w, !w, !w, !w, !i, !s, !s, !s, !s, !s, !s, !i) -> (!w, !w, !w)
    vlp.yield %p1, %m1, %v1 : !w, !w, !w
  }
  %b1, %bm, %bv = vlp.kernel "adamw"(%b, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  %c1, %cm, %cv = vlp.kernel "adamw"(%c, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  return %w1, %b1, %c1 : !w, !b, !b
}

// -----

!b = tensor<4xf32>
!s = tensor<f32>
!i = tensor<i32>

// Four updates at three a kernel.
// CHECK-LABEL: func.func @size
// CHECK: %[[A:.*]]:9 = vlp.kernel "adamw"
// CHECK: %[[B:.*]]:3 = vlp.kernel "adamw"
// CHECK: return %[[A]]#0, %[[A]]#3, %[[A]]#6, %[[B]]#0
func.func @size(%a: !b, %b: !b, %c: !b, %d: !b, %f: !s, %n: !i) -> (!b, !b, !b, !b) {
  %a1, %am, %av = vlp.kernel "adamw"(%a, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  %b1, %bm, %bv = vlp.kernel "adamw"(%b, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  %c1, %cm, %cv = vlp.kernel "adamw"(%c, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  %d1, %dm, %dv = vlp.kernel "adamw"(%d, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  return %a1, %b1, %c1, %d1 : !b, !b, !b, !b
}

// -----

!b = tensor<4xf32>
!s = tensor<f32>
!i = tensor<i32>

// The clamp reads the first update: the batch is complete before it.
// CHECK-LABEL: func.func @use
// CHECK: %[[A:.*]]:6 = vlp.kernel "adamw"
// CHECK: %[[E:.*]] = vlp.kernel "elementwise"(%[[A]]#0)
// CHECK: %[[C:.*]]:3 = vlp.kernel "adamw"
// CHECK: return %[[E]], %[[A]]#3, %[[C]]#0
func.func @use(%a: !b, %b: !b, %c: !b, %f: !s, %n: !i) -> (!b, !b, !b) {
  %a1, %am, %av = vlp.kernel "adamw"(%a, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  %b1, %bm, %bv = vlp.kernel "adamw"(%b, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  %e = vlp.kernel "elementwise"(%a1) : (!b) -> !b {
  ^bb0(%x: !b):
    %y = vlp.gelu %x : (!b) -> !b
    vlp.yield %y : !b
  }
  %c1, %cm, %cv = vlp.kernel "adamw"(%c, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  return %e, %b1, %c1 : !b, !b, !b
}

// -----

!b = tensor<4xf32>
!h = tensor<4xbf16>
!s = tensor<f32>
!i = tensor<i32>

// Two element types are two kernels: one loop serves all updates of a batch.
// CHECK-LABEL: func.func @types
// CHECK-COUNT-2: = vlp.kernel "adamw"
func.func @types(%a: !b, %b: !h, %f: !s, %n: !i) -> (!b, !h) {
  %a1, %am, %av = vlp.kernel "adamw"(%a, %f, %n) : (!b, !s, !i) -> (!b, !b, !b) {
  ^bb0(%p: !b, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!b, !b, !b, !b, !i, !s, !s, !s, !s, !s, !s, !i) -> (!b, !b, !b)
    vlp.yield %p1, %m1, %v1 : !b, !b, !b
  }
  %b1, %bm, %bv = vlp.kernel "adamw"(%b, %f, %n) : (!h, !s, !i) -> (!h, !h, !h) {
  ^bb0(%p: !h, %x: !s, %k: !i):
    %p1, %m1, %v1 = vlp.adamw %p, %p, %p, %p, %k, %x, %x, %x, %x, %x, %x, %k : (!h, !h, !h, !h, !i, !s, !s, !s, !s, !s, !s, !i) -> (!h, !h, !h)
    vlp.yield %p1, %m1, %v1 : !h, !h, !h
  }
  return %a1, %b1 : !b, !h
}
