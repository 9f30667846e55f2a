/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_FUNCTION_H
#define RFDN_FUNCTION_H

/* Functions of one number: f (v). */
typedef enum {
  RFDN_FUNCTION_LEAKY, /* v < 0 ? a v : v; a = 1: nothing, 0: ReLU */
  RFDN_FUNCTION_PRELU, /* the same with a slope for each channel */
  RFDN_FUNCTION_SILU,  /* v sigmoid (v) */
  RFDN_FUNCTION_ELU,   /* v < 0 ? a (exp (v) - 1) : v */
  RFDN_FUNCTION_GELU,  /* v (1 + erf (v / sqrt (2))) / 2 */
  RFDN_FUNCTION_TANH,
  RFDN_FUNCTION_SIGMOID,    /* 1 / (1 + exp (-v)) */
  RFDN_FUNCTION_HARD_SWISH, /* v min (max (v + 3, 0), 6) / 6 */
  RFDN_FUNCTION_CLIP,       /* to a..b; must be last: tests try all up to it */
} RfdnFunctionKind;

typedef struct {
  RfdnFunctionKind kind;
  float a, b;
} RfdnFunction;

#define RFDN_LINEAR ((RfdnFunction){RFDN_FUNCTION_LEAKY, 1, 0})
#define RFDN_RELU ((RfdnFunction){RFDN_FUNCTION_LEAKY, 0, 0})

/* Products of two numbers. */
typedef enum {
  RFDN_PRODUCT_PLAIN,        /* v m */
  RFDN_PRODUCT_SIGMOID,      /* v sigmoid (m) */
  RFDN_PRODUCT_SIGMOID_HALF, /* v (sigmoid (m) - 1/2) */
  RFDN_PRODUCT_GATE,         /* sigmoid (v) m */
} RfdnProduct;

#endif
