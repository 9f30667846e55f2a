/* gst-rfdn - finding a network by the value of the property `model`
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */
#ifndef GST_RFDN_MODEL_H
#define GST_RFDN_MODEL_H

#include <glib.h>
#include "rfdn.h"

G_BEGIN_DECLS

/* A network that the user named: all scales of a built-in one, or the one that a file has.
 * Immutable for callers, and usable from any thread. Loaded networks are kept.
 *
 * Errors have one of GStreamer's domains and codes (GST_RESOURCE_ERROR, GST_STREAM_ERROR,
 * GST_LIBRARY_ERROR) and a message that names the model or file and what is wrong with it, ready to
 * be posted. */
typedef struct GstRfdnModel GstRfdnModel;

/** The default value of the property. */
const char *gst_rfdn_model_get_default (void);

/** Returns: (transfer full): what the property's value can be, for its blurb. */
char *gst_rfdn_model_describe_values (void);

/**
 * gst_rfdn_model_guess_scales:
 * @value: the property's value
 *
 * What is known about a model without loading it.
 *
 * Returns: a bit mask of its scales; all that enlarge if @value does not name a built-in model
 */
guint gst_rfdn_model_guess_scales (const char *value);

/**
 * gst_rfdn_model_load:
 * @value: the name of a built-in model, or else the path of a safetensors file. A built-in name
 * takes precedence; `./name` is the file
 * @error: where to say what is wrong
 *
 * Returns: (transfer full) (nullable): the model, or %NULL with @error set
 */
GstRfdnModel *gst_rfdn_model_load (const char *value, GError **error);

/** Takes another reference of @self and returns it. */
GstRfdnModel *gst_rfdn_model_ref (GstRfdnModel *self);

/** Gives a reference back; %NULL is ignored. */
void gst_rfdn_model_unref (GstRfdnModel *self);

/** What messages call @self: a built-in model's name, or the file's path. */
const char *gst_rfdn_model_get_name (const GstRfdnModel *self);

/** A bit mask of the scales that @self has; only 1 if it cleans frames and keeps their size. */
guint gst_rfdn_model_get_scales (const GstRfdnModel *self);

/** What the network sees, at all of its scales. */
RfdnColour gst_rfdn_model_get_colour (const GstRfdnModel *self);

/**
 * gst_rfdn_model_get:
 * @scale: 1 to %GST_RFDN_MAX_FACTOR
 * @error: set if the model does not have that scale
 *
 * Gets the network of a scale, loading it on the first call; all callers share it and its packed
 * weights.
 *
 * Returns: (transfer full) (nullable): the network, or %NULL with @error set
 */
RfdnModel *gst_rfdn_model_get (GstRfdnModel *self, guint scale, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstRfdnModel, gst_rfdn_model_unref)

G_END_DECLS

#endif /* GST_RFDN_MODEL_H */
