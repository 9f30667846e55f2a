/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of the element. They may be set and read from any thread at any time. */

#include <string.h>

#include "gstrfdnupscale-private.h"

enum {
  PROP_0,
  PROP_MODEL,
  PROP_SCALE,
  PROP_RESAMPLE,
  PROP_ADD_BORDERS,
  PROP_STRENGTH,
  PROP_STABILIZE,
  PROP_SHARPNESS,
  PROP_CHROMA,
  PROP_LATE_POLICY,
  PROP_REUSE,
  PROP_N_THREADS,
  PROP_TILE_SIZE,
  PROP_TILE_OVERLAP,
  PROP_PRECISION,
  PROP_STATS,
};

#define DEFAULT_SCALE GST_RFDN_SCALE_AUTO
#define DEFAULT_RESAMPLE TRUE
#define DEFAULT_ADD_BORDERS TRUE
#define DEFAULT_STRENGTH 1.0
#define DEFAULT_STABILIZE 0.0
#define DEFAULT_SHARPNESS 0.0
#define DEFAULT_CHROMA GST_RFDN_CHROMA_GUIDED
#define DEFAULT_LATE_POLICY GST_RFDN_LATE_POLICY_DEGRADE
#define DEFAULT_N_THREADS 0
#define DEFAULT_TILE_SIZE 0
#define DEFAULT_TILE_OVERLAP RFDN_TILE_OVERLAP_AUTO
#define DEFAULT_PRECISION GST_RFDN_PRECISION_AUTO
#define DEFAULT_REUSE TRUE
#define MAX_THREADS 1024

static GObjectClass *parent_class;

GType
gst_rfdn_precision_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_RFDN_PRECISION_AUTO,
       "Integers where the model and 8-bit video allow it and they are faster", "auto"},
      {GST_RFDN_PRECISION_FLOAT32, "32-bit floating-point numbers", "float32"},
      {GST_RFDN_PRECISION_INT16,
       "16-bit integers: the same picture on every processor; for 8-bit YUV and gray video, "
       "with the built-in models",
       "int16"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstRfdnPrecision", values));
  return type;
}

GType
gst_rfdn_chroma_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_RFDN_CHROMA_GUIDED, "Edges of the colours follow those of the luma", "guided"},
      {GST_RFDN_CHROMA_PLAIN, "A Lanczos filter alone", "plain"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstRfdnChroma", values));
  return type;
}

/* The element's values are the engine's. */
G_STATIC_ASSERT ((int) GST_RFDN_PRECISION_FLOAT32 == RFDN_PRECISION_FLOAT32);
G_STATIC_ASSERT ((int) GST_RFDN_PRECISION_INT16 == RFDN_PRECISION_INT16);
G_STATIC_ASSERT ((int) GST_RFDN_PRECISION_AUTO == RFDN_PRECISION_AUTO);

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_MODEL: {
    const char *name = g_value_get_string (value);

    if (name == NULL)
      name = gst_rfdn_model_get_default ();
    if (strcmp (name, self->model_name) != 0) {
      g_free (self->model_name);
      self->model_name = g_strdup (name);
      self->choice_pending = TRUE; /* the streaming thread does the rest */
    }
    break;
  }
  case PROP_SCALE:
    if (self->scale != (GstRfdnScale) g_value_get_enum (value)) {
      self->scale = g_value_get_enum (value);
      self->choice_pending = TRUE;
    }
    break;
  case PROP_RESAMPLE:
    if (self->resample != g_value_get_boolean (value)) {
      self->resample = g_value_get_boolean (value);
      self->choice_pending = TRUE;
    }
    break;
  case PROP_ADD_BORDERS:
    self->add_borders = g_value_get_boolean (value);
    break;
  case PROP_STRENGTH:
    self->strength.network = g_value_get_double (value);
    break;
  case PROP_STABILIZE:
    self->strength.stabilize = g_value_get_double (value);
    self->settings.stabilize = self->strength.stabilize > 0;
    break;
  case PROP_SHARPNESS:
    self->sharpness = g_value_get_double (value);
    break;
  case PROP_CHROMA:
    self->settings.guides_chroma = g_value_get_enum (value) == GST_RFDN_CHROMA_GUIDED;
    break;
  case PROP_LATE_POLICY:
    self->late_policy = g_value_get_enum (value);
    break;
  case PROP_REUSE:
    self->settings.reuse = g_value_get_boolean (value);
    break;
  case PROP_N_THREADS:
    self->settings.n_threads = g_value_get_uint (value);
    break;
  case PROP_TILE_SIZE:
    self->settings.tile_size = g_value_get_uint (value);
    break;
  case PROP_TILE_OVERLAP:
    self->settings.tile_overlap = g_value_get_int (value);
    break;
  case PROP_PRECISION:
    if (self->precision != (RfdnPrecision) g_value_get_enum (value)) {
      self->precision = (RfdnPrecision) g_value_get_enum (value);
      self->choice_pending = TRUE;
    }
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Runs once after all properties that one call sets: a model and its scale take effect together.
 */
static void
dispatch_properties_changed (GObject *object, guint n, GParamSpec **pspecs)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (object);

  GST_OBJECT_LOCK (self);
  if (self->choice_pending)
    self->choice_serial++;
  self->choice_pending = FALSE;
  GST_OBJECT_UNLOCK (self);
  parent_class->dispatch_properties_changed (object, n, pspecs);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_MODEL:
    g_value_set_string (value, self->model_name);
    break;
  case PROP_SCALE:
    g_value_set_enum (value, self->scale);
    break;
  case PROP_RESAMPLE:
    g_value_set_boolean (value, self->resample);
    break;
  case PROP_ADD_BORDERS:
    g_value_set_boolean (value, self->add_borders);
    break;
  case PROP_STRENGTH:
    g_value_set_double (value, self->strength.network);
    break;
  case PROP_STABILIZE:
    g_value_set_double (value, self->strength.stabilize);
    break;
  case PROP_SHARPNESS:
    g_value_set_double (value, self->sharpness);
    break;
  case PROP_CHROMA:
    g_value_set_enum (value, self->settings.guides_chroma ? GST_RFDN_CHROMA_GUIDED
                                                          : GST_RFDN_CHROMA_PLAIN);
    break;
  case PROP_LATE_POLICY:
    g_value_set_enum (value, self->late_policy);
    break;
  case PROP_REUSE:
    g_value_set_boolean (value, self->settings.reuse);
    break;
  case PROP_N_THREADS:
    g_value_set_uint (value, self->settings.n_threads);
    break;
  case PROP_TILE_SIZE:
    g_value_set_uint (value, self->settings.tile_size);
    break;
  case PROP_TILE_OVERLAP:
    g_value_set_int (value, self->settings.tile_overlap);
    break;
  case PROP_PRECISION:
    g_value_set_enum (value, (gint) self->precision);
    break;
  case PROP_STATS:
    g_value_take_boxed (value, gst_rfdn_stats_get (&self->stats));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_rfdn_upscale_class_install_properties (GObjectClass *object_class)
{
  g_autofree char *models = gst_rfdn_model_describe_values ();
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->dispatch_properties_changed = dispatch_properties_changed;
  parent_class = g_type_class_peek_parent (object_class);

  /**
   * GstRfdnUpscale:model:
   *
   * The network: the name of a built-in model, or the path of a safetensors file. A built-in name
   * takes precedence over a file of that name; write `./name` for the file. It is loaded on the way
   * from READY to PAUSED, where a wrong value is an error. Set later, it is loaded before the next
   * frame; if that fails, or if downstream accepts no size that it can make, a warning says why,
   * the model in use stays, and the property goes back to it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_MODEL,
      g_param_spec_string ("model", "Model", models, gst_rfdn_model_get_default (),
                           G_PARAM_READWRITE | G_PARAM_STATIC_NAME | G_PARAM_STATIC_NICK |
                               GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:scale:
   *
   * How much larger frames become. `auto` takes the factor that downstream's caps ask for if the
   * model has it, else the model's smallest; for a model that cleans pictures that is 1, and frames
   * still go through it. A factor that the model does not have is treated like a wrong
   * #GstRfdnUpscale:model. If both are set in one call of g_object_set(), they take effect
   * together.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_SCALE,
      g_param_spec_enum ("scale", "Scale",
                         "Factor by which width and height grow (auto = what downstream asks for, "
                         "else the model's "
                         "smallest)",
                         GST_TYPE_RFDN_SCALE, DEFAULT_SCALE,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:resample:
   *
   * Whether downstream may ask for any size: frames are enlarged by the smallest factor that
   * reaches it, and a plain filter does the rest. If off, downstream can have whole multiples only.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_RESAMPLE,
      g_param_spec_boolean (
          "resample", "Resample",
          "Allow sizes that are no whole multiple: a plain filter resizes the network's result",
          DEFAULT_RESAMPLE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:add-borders:
   *
   * Whether black borders keep the display aspect ratio when downstream asks for a size of another
   * one. If off, the picture is stretched to fill the frame.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_ADD_BORDERS,
      g_param_spec_boolean (
          "add-borders", "Add borders",
          "Add black borders where they are needed to keep the display aspect ratio",
          DEFAULT_ADD_BORDERS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:strength:
   *
   * Weight of the network: 1 is its picture, 0 that of a plain Lanczos filter, and values between
   * them mix the two. Where frames keep their size, the unchanged frame stands in for the filter's
   * picture.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_STRENGTH,
      g_param_spec_double ("strength", "Strength",
                           "Weight of the network's picture; 0 is a plain Lanczos filter", 0, 1,
                           DEFAULT_STRENGTH,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING |
                               GST_PARAM_CONTROLLABLE));
  /**
   * GstRfdnUpscale:stabilize:
   *
   * How much of the previous picture is kept where the input hardly changes, against flicker: 0 is
   * none. Networks, the large ones above all, sharpen what compression changes from frame to
   * frame with the rest. At 0.7 clips encoded at CRF 23 flicker a third less than by a Lanczos
   * filter. What is kept is clamped to what the new picture has around each pixel, so that nothing
   * trails behind motion; where all of the picture changes, as at a cut, nothing is kept, and a
   * seek or a gap starts anew. Costs the memory of two pictures of the large size.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_STABILIZE,
      g_param_spec_double ("stabilize", "Stabilize",
                           "How much of the previous picture is kept where the input hardly "
                           "changes, against flicker",
                           0, 1, DEFAULT_STABILIZE,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING |
                               GST_PARAM_CONTROLLABLE));
  /**
   * GstRfdnUpscale:sharpness:
   *
   * 0: the model as it was trained, for the least error. Above 0 edges become steeper, below 0
   * everything becomes smoother. The network's weights are mixed with those of a sharper or a
   * softer sibling in its file, so frames take no longer. A model without siblings stays as it is,
   * and a warning says so; of the built-in ones `live` has them. Values are rounded to hundredths.
   * The next frame uses a new value, and waits while the network is set up again; what
   * #GstRfdnUpscale:stabilize and #GstRfdnUpscale:reuse kept is forgotten.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_SHARPNESS,
      g_param_spec_double ("sharpness", "Sharpness",
                           "From softer (-1) to sharper (1); 0 is the model as it was trained", -1,
                           1, DEFAULT_SHARPNESS,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING |
                               GST_PARAM_CONTROLLABLE));
  /**
   * GstRfdnUpscale:chroma:
   *
   * How the colours are enlarged by a network that sees luma alone. `guided`: by a Lanczos filter,
   * and where they change along with the luma around, their edges become as sharp as its: coloured
   * text and lines do not smear. `plain`: by the filter alone. Formats whose chroma is a quarter as
   * wide as the luma (Y41B, YUV9) are always `plain`; RGB frames count as YUV with such networks.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_CHROMA,
      g_param_spec_enum ("chroma", "Chroma",
                         "How the colours are enlarged by a network that sees luma alone",
                         GST_TYPE_RFDN_CHROMA, DEFAULT_CHROMA,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:late-policy:
   *
   * What to do when frames would be late: in a live pipeline, or when a sink reports it in QoS
   * events.
   *
   * `degrade`: the network enlarges as much of each frame as there is time for, the parts with most
   * detail first; the rest is done by `live`, with networks for clean sources by
   * `live-clean`, if there is time for that, else by a Lanczos filter (or left unchanged where
   * frames keep their size). A QoS message reports each notable change; its `quality` is the share
   * of the picture that the network does. `drop`: late frames are dropped, in a live pipeline even
   * if no sink reports them as late, each with a QoS message. `never`: neither. In trick modes that
   * ask for frames to be skipped, `degrade` drops frames too once quality cannot be lowered
   * further. When nothing has to be in time, as from file to file, the policies do not differ.
   * Setting the property `qos` to false turns all of this off.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_LATE_POLICY,
      g_param_spec_enum (
          "late-policy", "Late policy",
          "What to do when frames would be late, in a live pipeline or when a sink reports it",
          GST_TYPE_RFDN_LATE_POLICY, DEFAULT_LATE_POLICY,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:reuse:
   *
   * Whether parts that have not changed since the previous frame keep their result. The picture is
   * the same bit for bit; the cost is a copy of each frame. With attention, where each pixel
   * depends on all others, only whole frames can be reused.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_REUSE,
      g_param_spec_boolean (
          "reuse", "Reuse",
          "Compute only what has changed since the previous frame; the picture is the same",
          DEFAULT_REUSE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:n-threads:
   *
   * Number of threads; 0 for as many as the process may use. The picture does not depend on it. A
   * change takes effect at the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
                         "Number of threads (0 = as many as the process may use)", 0, MAX_THREADS,
                         DEFAULT_N_THREADS,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:tile-size:
   *
   * Side of the square tiles that frames are computed in, in pixels of the input; 0 chooses one
   * that suits the model and the frames. Smaller tiles need less memory and more time. A change
   * takes effect at the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_TILE_SIZE,
      g_param_spec_uint ("tile-size", "Tile size",
                         "Side of the square tiles that frames are computed in, in input pixels "
                         "(0 = automatic)",
                         0, RFDN_MAX_SIZE, DEFAULT_TILE_SIZE,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:tile-overlap:
   *
   * Pixels of the input that a tile sees beyond each of its sides; -1 for as many as it takes to be
   * seamless. A change takes effect at the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_TILE_OVERLAP,
      g_param_spec_int ("tile-overlap", "Tile overlap",
                        "Input pixels that a tile sees beyond each of its sides "
                        "(-1 = as many as it takes to be seamless)",
                        -1, RFDN_MAX_SIZE, DEFAULT_TILE_OVERLAP,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:precision:
   *
   * The numbers that the network computes with. `int16`: integers, with the same picture bit for
   * bit on every processor; for YUV and gray frames of 8 bits (RGB is converted at 16 bits) and
   * models whose file has steps, as all built-in ones do; else an error. `float32`:
   * floating-point numbers, for any frames and model. `auto`: integers where they are possible and
   * faster. A change takes effect at the next frame. If `int16` is not possible with the frames
   * that flow, it is treated like a wrong #GstRfdnUpscale:model; so is a model for which it is not
   * possible.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_PRECISION,
      g_param_spec_enum (
          "precision", "Precision",
          "Numbers to compute with: 16-bit integers (faster) or 32-bit floating point",
          GST_TYPE_RFDN_PRECISION, DEFAULT_PRECISION,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:stats:
   *
   * Counters since the element was last started, in a structure of these fields:
   *
   * - `frames` (guint64): frames that were enlarged;
   * - `dropped` (guint64): frames that were dropped for being late;
   * - `network-rectangles`, `small-rectangles`, `cheap-rectangles`, `reused-rectangles` (guint64):
   *   parts of frames that the network computed, that the fastest built-in network or a plain
   *   filter enlarged instead, and that were reused from the previous frame. `small-rectangles`
   *   exists since 0.2; it stays 0 where the model is about as fast itself, or where no built-in
   *   one has its colours (RGB);
   * - `level` (double): the share of the last frame that has the network's quality, 0 to 1;
   * - `frame-ms-mean`, `frame-ms-p99` (double): milliseconds that a frame took, mean and 99th
   *   percentile of the last thousand.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
                          "Counters since the element was last started: frames, tiles by kind, "
                          "milliseconds a frame",
                          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
gst_rfdn_upscale_init_properties (GstRfdnUpscale *self)
{
  self->model_name = g_strdup (gst_rfdn_model_get_default ());
  self->scale = DEFAULT_SCALE;
  self->resample = DEFAULT_RESAMPLE;
  self->add_borders = DEFAULT_ADD_BORDERS;
  self->strength = (GstRfdnStrength){DEFAULT_STRENGTH, DEFAULT_STABILIZE};
  self->sharpness = DEFAULT_SHARPNESS;
  self->settings.guides_chroma = DEFAULT_CHROMA == GST_RFDN_CHROMA_GUIDED;
  self->late_policy = DEFAULT_LATE_POLICY;
  self->settings.n_threads = DEFAULT_N_THREADS;
  self->settings.tile_size = DEFAULT_TILE_SIZE;
  self->settings.tile_overlap = DEFAULT_TILE_OVERLAP;
  self->precision = (RfdnPrecision) DEFAULT_PRECISION;
  self->settings.reuse = DEFAULT_REUSE;
}
