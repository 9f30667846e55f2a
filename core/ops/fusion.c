/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "op.h"

gboolean
rfdn_layer_shares_map (const RfdnLayer *layer, const RfdnSlice *map)
{
  return map->n == 1 && layer->out.n > 1;
}

RfdnFusion
rfdn_layer_get_fusion (const RfdnLayer *layer)
{
  const RfdnFunctionKind kind = layer->function.kind;
  const gboolean has_slope = kind == RFDN_FUNCTION_LEAKY || kind == RFDN_FUNCTION_PRELU;
  RfdnFusion fusion = {0};

  if (!layer->op->fuses)
    return fusion;
  fusion.adds = layer->add.n > 0 && !rfdn_layer_shares_map (layer, &layer->add);
  fusion.applies = has_slope && (layer->add.n == 0 || fusion.adds);
  fusion.adds_last = fusion.applies && layer->add.n == 0 && layer->plus.n > 0 &&
                     !rfdn_layer_shares_map (layer, &layer->plus);
  return fusion;
}
