/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-rfdnupscale
 * @title: rfdnupscale
 * @short_description: enlarges video with RFDN networks on the CPU
 *
 * Makes video 2, 3 or 4 times as large each way with a small neural network of the RFDN family
 * (Residual Feature Distillation Network), and keeps all else: format, colours, timestamps, aspect
 * ratio, metadata. It needs nothing but a CPU.
 *
 * A luma network sees the luma of YUV video alone, an RGB network the three components of RGB
 * video; chroma and alpha go through a Lanczos filter that honours the chroma site. Every other
 * combination works too, at the price of two conversions a frame.
 *
 * The factor is what downstream asks for among those that the model has, or else the model's
 * smallest. Downstream asks with a caps filter, where the width or the height is enough. Where
 * downstream takes no other size than that of the input, frames pass untouched.
 *
 * Only progressive frames can be enlarged. Interlaced video is refused: put `deinterlace` before.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 uridecodebin uri=file:///tmp/a.mkv ! videoconvert ! rfdnupscale ! videoconvert !
 * autovideosink
 * ]| Plays a file at twice its size.
 * |[
 * gst-launch-1.0 filesrc location=a.mkv ! decodebin ! rfdnupscale ! video/x-raw,height=960 !
 * x264enc ! matroskamux ! filesink location=b.mkv
 * ]| Enlarges a video so that it becomes 960 lines high, by the factor that this takes.
 * |[
 * gst-launch-1.0 filesrc location=a.png ! pngdec ! rfdnupscale model=./weights.safetensors
 * n-threads=2 ! pngenc ! filesink location=b.png
 * ]| Enlarges a picture with a network from a file, on two threads.
 *
 * Since: 0.1
 */

#include "gstrfdnupscale.h"

#include "gstrfdncaps.h"
#include "gstrfdnframe.h"
#include "gstrfdnmeta.h"
#include "gstrfdnmodel.h"

#include <gst/video/navigation.h>

GST_DEBUG_CATEGORY_STATIC (gst_rfdn_upscale_debug);
#define GST_CAT_DEFAULT gst_rfdn_upscale_debug
GST_DEBUG_CATEGORY_STATIC (CAT_PERFORMANCE);

enum {
  PROP_0,
  PROP_MODEL,
  PROP_SCALE,
  PROP_N_THREADS,
  PROP_TILE_SIZE,
  PROP_TILE_OVERLAP,
};

#define DEFAULT_SCALE GST_RFDN_SCALE_AUTO
#define DEFAULT_N_THREADS 0
#define DEFAULT_TILE_SIZE 0
#define DEFAULT_TILE_OVERLAP RFDN_TILE_OVERLAP_AUTO
#define MAX_THREADS 1024

struct _GstRfdnUpscale {
  GstVideoFilter parent;

  /* Under the object lock: read by queries and set by the application at any time. */
  char *model_name;
  GstRfdnScale scale;
  GstRfdnSettings settings;
  guint settings_serial; /* counts the changes of `settings` */
  GstRfdnModel *model;   /* between start and stop */

  /* Of the streaming thread. */
  RfdnModel *network;
  GstRfdnPlan *plan;
  guint plan_serial; /* the settings that the plan was made with */
  gboolean refused;  /* it has been said why the last caps or buffers cannot be enlarged */
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (GST_RFDN_FORMATS)));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (GST_RFDN_FORMATS)));

#define gst_rfdn_upscale_parent_class parent_class
G_DEFINE_TYPE (GstRfdnUpscale, gst_rfdn_upscale, GST_TYPE_VIDEO_FILTER)
GST_ELEMENT_REGISTER_DEFINE (rfdnupscale, "rfdnupscale", GST_RANK_NONE, GST_TYPE_RFDN_UPSCALE)

GType
gst_rfdn_scale_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_RFDN_SCALE_AUTO, "What downstream asks for, else what the model is made for", "auto"},
      {GST_RFDN_SCALE_2, "Twice as wide and high", "2"},
      {GST_RFDN_SCALE_3, "Three times as wide and high", "3"},
      {GST_RFDN_SCALE_4, "Four times as wide and high", "4"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstRfdnScale", values));
  return type;
}

/* Says in an error message why nothing can be enlarged. Once only until caps are accepted again,
 * since upstream may come back with the same caps at each buffer. */
static void refuse (GstRfdnUpscale *self, GQuark domain, gint code, char *debug, const char *format,
                    ...) G_GNUC_PRINTF (5, 6);

static void
refuse (GstRfdnUpscale *self, GQuark domain, gint code, char *debug, const char *format, ...)
{
  va_list args;
  char *text;

  if (self->refused) {
    g_free (debug);
    return;
  }
  self->refused = TRUE;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  GST_ERROR_OBJECT (self, "%s", text);
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR, domain, code, text, debug,
                            __FILE__, GST_FUNCTION, __LINE__);
}

/* ---- properties --------------------------------------------------------------------------- */

static void
gst_rfdn_upscale_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (object);
  gboolean renegotiate = FALSE;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_MODEL:
    g_free (self->model_name);
    self->model_name = g_value_dup_string (value);
    if (self->model_name == NULL)
      self->model_name = g_strdup (gst_rfdn_model_get_default ());
    break;
  case PROP_SCALE:
    renegotiate = self->scale != (GstRfdnScale) g_value_get_enum (value);
    self->scale = g_value_get_enum (value);
    break;
  case PROP_N_THREADS:
    self->settings.n_threads = g_value_get_uint (value);
    self->settings_serial++;
    break;
  case PROP_TILE_SIZE:
    self->settings.tile_size = g_value_get_uint (value);
    self->settings_serial++;
    break;
  case PROP_TILE_OVERLAP:
    self->settings.tile_overlap = g_value_get_int (value);
    self->settings_serial++;
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);

  if (renegotiate)
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
}

static void
gst_rfdn_upscale_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
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
  case PROP_N_THREADS:
    g_value_set_uint (value, self->settings.n_threads);
    break;
  case PROP_TILE_SIZE:
    g_value_set_uint (value, self->settings.tile_size);
    break;
  case PROP_TILE_OVERLAP:
    g_value_set_int (value, self->settings.tile_overlap);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* ---- state -------------------------------------------------------------------------------- */

static void
drop_plan (GstRfdnUpscale *self)
{
  g_clear_pointer (&self->plan, gst_rfdn_plan_free);
  g_clear_pointer (&self->network, rfdn_model_unref);
}

static gboolean
gst_rfdn_upscale_start (GstBaseTransform *trans)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  g_autoptr (GError) error = NULL;
  g_autoptr (RfdnModel) network = NULL;
  g_autofree char *name = NULL;
  GstRfdnModel *model;
  GstRfdnScale scale;

  self->refused = FALSE;
  GST_OBJECT_LOCK (self);
  name = g_strdup (self->model_name);
  scale = self->scale;
  GST_OBJECT_UNLOCK (self);

  model = gst_rfdn_model_load (name, &error);
  if (model != NULL && scale != GST_RFDN_SCALE_AUTO)
    network = gst_rfdn_model_get (model, scale, &error);
  if (error != NULL) {
    gst_rfdn_model_free (model);
    refuse (self, error->domain, error->code, NULL, "%s", error->message);
    return FALSE;
  }
  GST_INFO_OBJECT (self, "model '%s' loaded", name);

  GST_OBJECT_LOCK (self);
  self->model = model;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_rfdn_upscale_stop (GstBaseTransform *trans)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  GstRfdnModel *model;

  drop_plan (self);
  GST_OBJECT_LOCK (self);
  model = g_steal_pointer (&self->model);
  GST_OBJECT_UNLOCK (self);
  gst_rfdn_model_free (model);
  gst_base_transform_set_passthrough (trans, FALSE);
  return TRUE;
}

static void
gst_rfdn_upscale_finalize (GObject *object)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (object);

  drop_plan (self);
  gst_rfdn_model_free (self->model);
  g_free (self->model_name);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

/* ---- caps --------------------------------------------------------------------------------- */

/* The factors that are possible now. Before the model is loaded the property and the list of
 * built-in models have to do. */
static guint
get_factors (GstRfdnUpscale *self)
{
  guint factors;

  GST_OBJECT_LOCK (self);
  if (self->scale != GST_RFDN_SCALE_AUTO)
    factors = GST_RFDN_FACTOR (self->scale);
  else if (self->model != NULL)
    factors = gst_rfdn_model_get_scales (self->model) | GST_RFDN_FACTOR (1);
  else
    factors = gst_rfdn_model_guess_scales (self->model_name) | GST_RFDN_FACTOR (1);
  GST_OBJECT_UNLOCK (self);
  return factors;
}

static GstCaps *
gst_rfdn_upscale_transform_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps,
                                 GstCaps *filter)
{
  GstCaps *other =
      gst_rfdn_caps_transform (caps, direction, get_factors (GST_RFDN_UPSCALE (trans)));

  GST_LOG_OBJECT (trans, "%" GST_PTR_FORMAT " on the %s side becomes %" GST_PTR_FORMAT, caps,
                  direction == GST_PAD_SINK ? "sink" : "source", other);
  if (filter != NULL) {
    GstCaps *both = gst_caps_intersect_full (filter, other, GST_CAPS_INTERSECT_FIRST);

    gst_caps_unref (other);
    other = both;
  }
  return other;
}

static GstCaps *
gst_rfdn_upscale_fixate_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps,
                              GstCaps *other)
{
  if (direction == GST_PAD_SINK)
    return gst_rfdn_caps_fixate (caps, other, get_factors (GST_RFDN_UPSCALE (trans)));
  return gst_caps_fixate (gst_caps_truncate (other));
}

/* Frames of separate fields have a caps feature of their own, and the pad templates are without.
 * They are let in so far that sink_event() can say why they are refused. */
static gboolean
gst_rfdn_upscale_accept_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  if (direction == GST_PAD_SINK && gst_caps_is_fixed (caps) &&
      gst_caps_features_contains (gst_caps_get_features (caps, 0),
                                  GST_CAPS_FEATURE_FORMAT_INTERLACED))
    return TRUE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)->accept_caps (trans, direction, caps);
}

static gboolean
make_plan (GstRfdnUpscale *self, const GstVideoInfo *in, const GstVideoInfo *out)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *description = NULL;
  GstRfdnSettings settings;
  GstRfdnPlan *plan;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  self->plan_serial = self->settings_serial;
  GST_OBJECT_UNLOCK (self);

  /* The old one first: two of them might not fit into memory. */
  g_clear_pointer (&self->plan, gst_rfdn_plan_free);
  plan = gst_rfdn_plan_new (self->network, in, out, &settings, &error);
  if (plan == NULL) {
    refuse (self, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, NULL,
            "Frames of %dx%d cannot be enlarged to %dx%d: %s.", GST_VIDEO_INFO_WIDTH (in),
            GST_VIDEO_INFO_HEIGHT (in), GST_VIDEO_INFO_WIDTH (out), GST_VIDEO_INFO_HEIGHT (out),
            error->message);
    return FALSE;
  }
  self->plan = plan;

  description = gst_rfdn_plan_describe (plan);
  GST_INFO_OBJECT (self, "%s %s", GST_VIDEO_INFO_NAME (in), description);
  if (gst_rfdn_plan_converts (plan))
    GST_CAT_INFO_OBJECT (CAT_PERFORMANCE, self,
                         "the model does not take %s: each frame is converted twice",
                         GST_VIDEO_INFO_NAME (in));
  return TRUE;
}

static gboolean
gst_rfdn_upscale_set_info (GstVideoFilter *filter, GstCaps *incaps, GstVideoInfo *in,
                           GstCaps *outcaps, GstVideoInfo *out)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (filter);
  GstBaseTransform *trans = GST_BASE_TRANSFORM (filter);
  const guint factor = gst_rfdn_caps_get_factor (in, out);
  g_autoptr (GError) error = NULL;

  drop_plan (self);
  gst_rfdn_caps_correct_info (incaps, in);
  gst_rfdn_caps_correct_info (outcaps, out);
  if (factor == 0) {
    refuse (self, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, NULL,
            "Frames cannot be enlarged from %dx%d to %dx%d.", GST_VIDEO_INFO_WIDTH (in),
            GST_VIDEO_INFO_HEIGHT (in), GST_VIDEO_INFO_WIDTH (out), GST_VIDEO_INFO_HEIGHT (out));
    return FALSE;
  }
  gst_base_transform_set_passthrough (trans, factor == 1);
  if (factor == 1) {
    GST_INFO_OBJECT (self, "downstream takes only %dx%d: frames pass untouched",
                     GST_VIDEO_INFO_WIDTH (in), GST_VIDEO_INFO_HEIGHT (in));
    return TRUE;
  }

  /* Only start() and stop() change the model, and neither runs while data flow. */
  self->network = gst_rfdn_model_get (self->model, factor, &error);
  if (self->network == NULL) {
    refuse (self, error->domain, error->code, NULL, "%s", error->message);
    return FALSE;
  }
  return make_plan (self, in, out);
}

/* ---- events ------------------------------------------------------------------------------- */

/* The larger frame's size in bytes has to fit into what GStreamer counts with. */
static gboolean
is_too_large (GstCaps *outcaps)
{
  for (guint i = 0; i < gst_caps_get_size (outcaps); i++) {
    g_autoptr (GstCaps) caps = gst_caps_copy_nth (outcaps, i);
    GstVideoInfo info;

    if (gst_caps_is_fixed (caps) && gst_video_info_from_caps (&info, caps))
      return FALSE;
  }
  return TRUE;
}

/* Why negotiation failed, as far as that can be told. */
static void
explain_failure (GstRfdnUpscale *self, GstCaps *incaps)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (self);
  const guint factors = get_factors (self) & ~GST_RFDN_FACTOR (1);
  g_autoptr (GstCaps) possible = gst_rfdn_caps_transform (incaps, GST_PAD_SINK, factors);
  g_autoptr (GstCaps) taken = NULL;
  g_autofree char *input = gst_info_strdup_printf ("input: %" GST_PTR_FORMAT, incaps);
  GString *list;
  guint factor = 0;

  if (self->refused || GST_PAD_IS_FLUSHING (pad) || !gst_pad_is_linked (pad))
    return;
  if (is_too_large (possible)) {
    refuse (self, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, g_steal_pointer (&input),
            "Frames of this size are too large to be enlarged.");
    return;
  }
  taken = gst_pad_peer_query_caps (pad, possible);
  if (!gst_caps_is_empty (taken))
    return;

  list = g_string_new (NULL);
  while ((factor = gst_rfdn_caps_next_factor (factors, factor)) != 0)
    g_string_append_printf (list, "%s%u", list->len > 0 ? ", " : "", factor);
  refuse (self, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION, g_steal_pointer (&input),
          "Downstream does not take what these frames can become: %s times as large, format and "
          "colorimetry unchanged.",
          list->str);
  g_string_free (list, TRUE);
}

/* Why caps are refused must be told here: negotiation as such fails without words. */
static gboolean
sink_caps (GstBaseTransform *trans, GstEvent *event)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (trans);
  g_autoptr (GstCaps) caps = NULL;
  const char *interlacing;

  gst_event_parse_caps (event, &caps);
  gst_caps_ref (caps);
  interlacing = gst_rfdn_caps_get_interlacing (caps);
  if (interlacing != NULL) {
    refuse (self, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
            g_strdup_printf ("interlace-mode is %s", interlacing),
            "Interlaced video cannot be enlarged: put a deinterlace element before %s.",
            GST_OBJECT_NAME (self));
    gst_event_unref (event);
    return FALSE;
  }

  if (!GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event)) {
    explain_failure (self, caps);
    return FALSE;
  }
  self->refused = FALSE;
  return TRUE;
}

static gboolean
gst_rfdn_upscale_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS)
    return sink_caps (trans, event);
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

/* Pointer positions arrive in pixels of the output. */
static gboolean
gst_rfdn_upscale_src_event (GstBaseTransform *trans, GstEvent *event)
{
  const GstVideoFilter *filter = GST_VIDEO_FILTER (trans);
  gdouble x, y;

  if (GST_EVENT_TYPE (event) == GST_EVENT_NAVIGATION && filter->negotiated &&
      gst_navigation_event_get_coordinates (event, &x, &y)) {
    event = gst_event_make_writable (event);
    gst_navigation_event_set_coordinates (
        event,
        x * GST_VIDEO_INFO_WIDTH (&filter->in_info) / GST_VIDEO_INFO_WIDTH (&filter->out_info),
        y * GST_VIDEO_INFO_HEIGHT (&filter->in_info) / GST_VIDEO_INFO_HEIGHT (&filter->out_info));
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->src_event (trans, event);
}

/* ---- frames ------------------------------------------------------------------------------- */

static gboolean
gst_rfdn_upscale_transform_meta (GstBaseTransform *trans, GstBuffer *outbuf, GstMeta *meta,
                                 GstBuffer *inbuf)
{
  GstVideoFilter *filter = GST_VIDEO_FILTER (trans);

  switch (gst_rfdn_meta_transform (outbuf, meta, inbuf, &filter->in_info, &filter->out_info)) {
  case GST_RFDN_META_COPY:
    return TRUE;
  case GST_RFDN_META_DONE:
    return FALSE;
  case GST_RFDN_META_DROP:
    /* Of crop metas this means that all of the picture is shown; none is asked of upstream. */
    GST_INFO_OBJECT (trans, "%s is dropped", g_type_name (meta->info->api));
    return FALSE;
  case GST_RFDN_META_OTHER:
    break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->transform_meta (trans, outbuf, meta, inbuf);
}

/* Unlike the base class, an unmappable buffer is an error and not a warning: otherwise an
 * undefined picture would be pushed. */
static GstFlowReturn
gst_rfdn_upscale_transform (GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  GstVideoFilter *filter = GST_VIDEO_FILTER (trans);
  GstVideoFrame in, out;
  GstFlowReturn result;

  if (!filter->negotiated)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!gst_video_frame_map (&in, &filter->in_info, inbuf,
                            GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    goto bad_input;
  if (!gst_video_frame_map (&out, &filter->out_info, outbuf,
                            GST_MAP_WRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    goto bad_output;

  result = GST_VIDEO_FILTER_GET_CLASS (filter)->transform_frame (filter, &in, &out);

  gst_video_frame_unmap (&out);
  gst_video_frame_unmap (&in);
  return result;

bad_output:
  gst_video_frame_unmap (&in);
  refuse (GST_RFDN_UPSCALE (trans), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE,
          gst_info_strdup_printf ("%" GST_PTR_FORMAT, outbuf),
          "A buffer for the output cannot be written.");
  return GST_FLOW_ERROR;
bad_input:
  refuse (GST_RFDN_UPSCALE (trans), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
          gst_info_strdup_printf ("%" GST_PTR_FORMAT, inbuf),
          "A buffer of the input cannot be read as a frame.");
  return GST_FLOW_ERROR;
}

static GstFlowReturn
gst_rfdn_upscale_transform_frame (GstVideoFilter *filter, GstVideoFrame *in, GstVideoFrame *out)
{
  GstRfdnUpscale *self = GST_RFDN_UPSCALE (filter);
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = self->plan_serial != self->settings_serial;
  GST_OBJECT_UNLOCK (self);
  if ((changed || self->plan == NULL) && !make_plan (self, &filter->in_info, &filter->out_info))
    return GST_FLOW_ERROR;

  gst_rfdn_plan_run (self->plan, in, out);
  return GST_FLOW_OK;
}

/* ---- class -------------------------------------------------------------------------------- */

static void
install_properties (GObjectClass *object_class)
{
  /**
   * GstRfdnUpscale:model:
   *
   * The network: the name of a built-in model, or the path of a safetensors file. A name goes
   * before a file that is called so; `./name` is the file. It is loaded on the way from READY to
   * PAUSED.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_MODEL,
      g_param_spec_string ("model", "Model",
                           "Name of a built-in model, or path of a safetensors file",
                           gst_rfdn_model_get_default (),
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * GstRfdnUpscale:scale:
   *
   * How much larger frames become. `auto` takes what downstream's caps ask for among the factors
   * that the model has, else the model's smallest.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_SCALE,
      g_param_spec_enum ("scale", "Scale", "How many times as wide and high frames become",
                         GST_TYPE_RFDN_SCALE, DEFAULT_SCALE,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:n-threads:
   *
   * Threads to compute with; 0 for as many as the process may use. The picture does not depend on
   * it. A change takes effect at the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
                         "Threads to compute with (0 = as many as the process may use)", 0,
                         MAX_THREADS, DEFAULT_N_THREADS,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:tile-size:
   *
   * Side of the squares that frames are computed in, in pixels of the input; 0 for one that suits
   * the model and the frames. Smaller tiles need less memory and more time. A change takes effect
   * at the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_TILE_SIZE,
      g_param_spec_uint ("tile-size", "Tile size",
                         "Side of the squares that frames are computed in, in input pixels "
                         "(0 = automatic)",
                         0, RFDN_MAX_SIZE, DEFAULT_TILE_SIZE,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstRfdnUpscale:tile-overlap:
   *
   * Pixels of the input that a tile sees beyond each of its sides; -1 for as many as it takes that
   * no seam shows. A change takes effect at the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_TILE_OVERLAP,
      g_param_spec_int ("tile-overlap", "Tile overlap",
                        "Input pixels that a tile sees beyond each of its sides "
                        "(-1 = as many as it takes that no seam shows)",
                        -1, RFDN_MAX_SIZE, DEFAULT_TILE_OVERLAP,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
}

static void
gst_rfdn_upscale_class_init (GstRfdnUpscaleClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstVideoFilterClass *filter_class = GST_VIDEO_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_rfdn_upscale_debug, "rfdnupscale", 0, "RFDN upscaler");
  GST_DEBUG_CATEGORY_GET (CAT_PERFORMANCE, "GST_PERFORMANCE");

  object_class->set_property = gst_rfdn_upscale_set_property;
  object_class->get_property = gst_rfdn_upscale_get_property;
  object_class->finalize = gst_rfdn_upscale_finalize;
  install_properties (object_class);

  gst_element_class_set_static_metadata (
      element_class, "RFDN upscaler", "Filter/Converter/Video/Scaler",
      "Makes video 2, 3 or 4 times as large with a neural network on the CPU",
      "The gst-rfdn developers");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_type_mark_as_plugin_api (GST_TYPE_RFDN_SCALE, 0);

  transform_class->start = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_start);
  transform_class->stop = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_stop);
  transform_class->transform_caps = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_transform_caps);
  transform_class->fixate_caps = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_fixate_caps);
  transform_class->accept_caps = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_accept_caps);
  transform_class->sink_event = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_sink_event);
  transform_class->src_event = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_src_event);
  transform_class->transform_meta = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_transform_meta);
  transform_class->transform = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_transform);
  filter_class->set_info = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_set_info);
  filter_class->transform_frame = GST_DEBUG_FUNCPTR (gst_rfdn_upscale_transform_frame);
}

static void
gst_rfdn_upscale_init (GstRfdnUpscale *self)
{
  self->model_name = g_strdup (gst_rfdn_model_get_default ());
  self->scale = DEFAULT_SCALE;
  self->settings.n_threads = DEFAULT_N_THREADS;
  self->settings.tile_size = DEFAULT_TILE_SIZE;
  self->settings.tile_overlap = DEFAULT_TILE_OVERLAP;
  /* Or the base class would take the flag off buffers that are gaps. */
  gst_base_transform_set_gap_aware (GST_BASE_TRANSFORM (self), TRUE);
}
