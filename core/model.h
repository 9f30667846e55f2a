/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RFDN_MODEL_H
#define RFDN_MODEL_H

#include "graph.h"
#include "rfdn.h"

/* The layers of @model; they belong to it. */
const RfdnGraph *rfdn_model_get_graph (const RfdnModel *model);

#endif
