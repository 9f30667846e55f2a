/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "upscale.h"
#include "colour.h"
#include "compat.h"
#include "launch.h"
#include "message.h"
#include "pixels.h"
#include "size.h"

#include <gst/app/app.h>
#include <gst/gst.h>

#include <libavutil/imgutils.h>

/* Frames waiting before and behind the element: enough that none of the three threads waits for
 * another at each frame, few enough that large frames do not fill the memory. */
#define MAX_BEFORE 3
#define MAX_BEHIND 3

struct _TcUpscale {
  GstElement *pipeline, *appsrc, *appsink;
  TcPixels *pixels;
  AVRational time_base, frame_rate;
  gint64 first_pts;
  enum AVPixelFormat work;  /* what is pushed, and comes out */
  enum AVColorSpace matrix; /* that RGB is made YUV with */
  GstCaps *caps;            /* of the last frame pushed */
  GstCaps *out_caps;        /* of the last frame pulled */
  GstVideoInfo out_info;

  GMutex lock;
  GCond cond;
  GError *error; /* of the pipeline */
  gboolean failed, finished;
  guint n_before;
  GQueue stamps; /* what is to be told again of the frames on their way; see Stamp */
};

/* GStreamer's time is in nanoseconds: what a frame had is kept aside and found again by that. */
typedef struct {
  GstClockTime time;
  AVFrame *properties;
} Stamp;

static void
stamp_free (gpointer data)
{
  Stamp *stamp = data;

  av_frame_free (&stamp->properties);
  g_free (stamp);
}

/* ---- the pipeline -------------------------------------------------------------------------- */

static GstBusSyncReply
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  TcUpscale *self = data;
  GError *error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_mutex_lock (&self->lock);
    /* What comes after the first is but its consequence. */
    if (self->error == NULL)
      self->error = g_steal_pointer (&error);
    self->failed = TRUE;
    g_cond_broadcast (&self->cond);
    g_mutex_unlock (&self->lock);
    g_clear_error (&error);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING) {
    gst_message_parse_warning (message, &error, NULL);
    tc_note ("%s", error->message);
    g_clear_error (&error);
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

/* A frame leaves appsrc: there is room for another. */
static GstPadProbeReturn
on_buffer_leaves (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  TcUpscale *self = data;

  g_mutex_lock (&self->lock);
  self->n_before--;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return GST_PAD_PROBE_OK;
}

char *
tc_upscale_describe (const TcOptions *options, const AVFrame *first, gboolean for_shell)
{
  GString *text = g_string_new (NULL);
  int width, height;

  g_string_append (text, for_shell ? "rfdnupscale" : "rfdnupscale name=rfdnupscale");
  if (options->model != NULL) {
    char *escaped = g_strescape (options->model, ""), *whole, *quoted;

    whole = g_strdup_printf (for_shell ? "model=%s" : "model=\"%s\"",
                             for_shell ? options->model : escaped);
    quoted = for_shell ? tc_shell_quote (whole) : g_strdup (whole);
    g_string_append_printf (text, " %s", quoted);
    g_free (escaped);
    g_free (whole);
    g_free (quoted);
  }
  if (!g_str_equal (options->scale, "auto"))
    g_string_append_printf (text, " scale=%s", options->scale);
  if (options->threads != 0)
    g_string_append_printf (text, " n-threads=%d", options->threads);
  if (options->stabilize != NULL)
    g_string_append_printf (text, " stabilize=%s", options->stabilize);
  if (options->sharpness != NULL)
    g_string_append_printf (text, " sharpness=%s", options->sharpness);
  if (options->chroma == TC_CHROMA_PLAIN)
    g_string_append (text, " chroma=plain");
  if (options->tile_size != 0)
    g_string_append_printf (text, " tile-size=%d", options->tile_size);
  if (options->tile_overlap >= 0)
    g_string_append_printf (text, " tile-overlap=%d", options->tile_overlap);
  if (options->size != NULL) {
    tc_size_resolve (options->size, first->width, first->height, &width, &height);
    g_string_append_printf (text, " ! video/x-raw,width=%d,height=%d", width, height);
  }
  return g_string_free (text, FALSE);
}

static void
add_probe (GstElement *element, const char *pad_name, GstPadProbeType type,
           GstPadProbeCallback callback, TcUpscale *self)
{
  GstPad *pad = gst_element_get_static_pad (element, pad_name);

  gst_pad_add_probe (pad, type, callback, self, NULL);
  gst_object_unref (pad);
}

/* The one that players expect of what comes out. */
static enum AVColorSpace
guess_matrix (const TcOptions *options, const AVFrame *first)
{
  int scale = g_ascii_isdigit (options->scale[0]) ? options->scale[0] - '0' : 2;
  int width = first->width * scale, height = first->height * scale;

  if (options->size != NULL)
    tc_size_resolve (options->size, first->width, first->height, &width, &height);
  return tc_pixels_guess_matrix (width, height);
}

TcUpscale *
tc_upscale_new (const TcOptions *options, const AVFrame *first, enum AVPixelFormat work,
                AVRational time_base, AVRational frame_rate, GError **error)
{
  TcUpscale *self;
  GstElement *pipeline;
  GError *own_error = NULL;
  GstBus *bus;
  char *middle, *line;

  middle = tc_upscale_describe (options, first, FALSE);
  line = g_strdup_printf ("appsrc name=in format=time block=false max-buffers=0 max-bytes=0 ! "
                          "%s ! appsink name=out sync=false max-buffers=%d drop=false",
                          middle, MAX_BEHIND);
  pipeline = gst_parse_launch (line, &own_error);
  g_free (line);
  g_free (middle);
  if (own_error != NULL) {
    tc_fail (error, "the pipeline cannot be made: %s", own_error->message);
    g_error_free (own_error);
    if (pipeline != NULL)
      gst_object_unref (pipeline);
    return NULL;
  }

  self = g_new0 (TcUpscale, 1);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->stamps);
  self->pipeline = pipeline;
  self->appsrc = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  self->appsink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  self->time_base = time_base;
  self->frame_rate = frame_rate;
  self->first_pts = first->pts;
  self->work = work;
  self->matrix = guess_matrix (options, first);
  self->pixels = tc_pixels_new ();
  add_probe (self->appsrc, "src", GST_PAD_PROBE_TYPE_BUFFER, on_buffer_leaves, self);
  bus = gst_element_get_bus (pipeline);
  gst_bus_set_sync_handler (bus, on_message, self, NULL);
  gst_object_unref (bus);
  /* What goes wrong here comes as a message, which the first frame pushed meets. */
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return self;
}

void
tc_upscale_free (TcUpscale *self)
{
  if (self == NULL)
    return;
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->appsrc);
  gst_object_unref (self->appsink);
  gst_object_unref (self->pipeline);
  tc_pixels_free (self->pixels);
  gst_clear_caps (&self->caps);
  gst_clear_caps (&self->out_caps);
  g_queue_clear_full (&self->stamps, stamp_free);
  g_clear_error (&self->error);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

/* ---- frames in ----------------------------------------------------------------------------- */

static void
release_ref (gpointer data)
{
  AVBufferRef *ref = data;

  av_buffer_unref (&ref);
}

/* The frame's own memory, or NULL where its layout cannot be told in a GstVideoMeta. */
static GstBuffer *
wrap_frame (const AVFrame *frame, const GstVideoInfo *info)
{
  gsize offset[GST_VIDEO_MAX_PLANES] = {0}, start[AV_NUM_DATA_POINTERS], total = 0;
  gint stride[GST_VIDEO_MAX_PLANES] = {0};
  GstBuffer *buffer;
  guint n_planes = GST_VIDEO_INFO_N_PLANES (info), n_refs = 0;

  while (n_refs < AV_NUM_DATA_POINTERS && frame->buf[n_refs] != NULL) {
    start[n_refs] = total;
    total += frame->buf[n_refs++]->size;
  }
  for (guint p = 0; p < n_planes; p++) {
    AVBufferRef *ref = av_frame_get_plane_buffer ((AVFrame *) frame, (int) p);
    guint r = 0;

    if (ref == NULL || frame->linesize[p] <= 0)
      return NULL;
    while (r < n_refs && frame->buf[r] != ref)
      r++;
    if (r == n_refs)
      return NULL;
    offset[p] = start[r] + (gsize) (frame->data[p] - ref->data);
    stride[p] = frame->linesize[p];
  }

  buffer = gst_buffer_new ();
  for (guint r = 0; r < n_refs; r++) {
    AVBufferRef *ref = av_buffer_ref (frame->buf[r]);

    gst_buffer_append_memory (buffer,
                              gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, ref->data,
                                                      ref->size, 0, ref->size, ref, release_ref));
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT (info),
                                  GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info),
                                  n_planes, offset, stride);
  return buffer;
}

static GstBuffer *
copy_frame (const AVFrame *frame, const GstVideoInfo *info)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  gboolean full;
  GstVideoFrame to;
  uint8_t *data[4] = {NULL};
  int strides[4] = {0};

  if (buffer == NULL || !gst_video_frame_map (&to, info, buffer, GST_MAP_WRITE)) {
    gst_clear_buffer (&buffer);
    return NULL;
  }
  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (&to); p++) {
    data[p] = GST_VIDEO_FRAME_PLANE_DATA (&to, p);
    strides[p] = GST_VIDEO_FRAME_PLANE_STRIDE (&to, p);
  }
  av_image_copy (data, strides, (const uint8_t **) frame->data, frame->linesize,
                 tc_format_plain (frame->format, &full), frame->width, frame->height);
  gst_video_frame_unmap (&to);
  return buffer;
}

static GstClockTime
to_time (const TcUpscale *self, gint64 pts)
{
  return (GstClockTime) av_rescale_q (pts, self->time_base, (AVRational){1, GST_SECOND});
}

/* Under the lock. */
static void
add_stamp (TcUpscale *self, const AVFrame *frame, GstClockTime time)
{
  Stamp *stamp = g_new0 (Stamp, 1);

  stamp->time = time;
  stamp->properties = av_frame_alloc ();
  av_frame_copy_props (stamp->properties, frame);
  g_queue_push_tail (&self->stamps, stamp);
}

gboolean
tc_upscale_push (TcUpscale *self, AVFrame *frame, AVRational aspect, GError **error)
{
  TcPixelKind to = tc_pixels_ask (self->work, frame->width, frame->height);
  GstVideoInfo info;
  GstBuffer *buffer;
  GstSample *sample;
  GstCaps *caps;
  gboolean ok;

  if (tc_format_is_rgb (frame->format) && !tc_format_is_rgb (self->work)) {
    to.range = AVCOL_RANGE_MPEG;
    to.matrix = self->matrix;
    to.site = AVCHROMA_LOC_LEFT;
  }
  if (!tc_pixels_convert (self->pixels, frame, &to, error))
    return FALSE;
  caps = tc_caps_from_frame (frame, tc_format_from_av (self->work), self->frame_rate, aspect);
  gst_video_info_from_caps (&info, caps);
  if (self->caps != NULL && gst_caps_is_equal (caps, self->caps)) {
    gst_caps_unref (caps);
  } else {
    gst_clear_caps (&self->caps);
    self->caps = caps;
  }
  buffer = wrap_frame (frame, &info);
  if (buffer == NULL)
    buffer = copy_frame (frame, &info);
  if (buffer == NULL)
    return tc_fail (error, "a frame cannot be passed on");
  GST_BUFFER_PTS (buffer) = to_time (self, frame->pts - self->first_pts);
  GST_BUFFER_DURATION (buffer) = to_time (self, tc_frame_get_duration (frame));

  /* appsrc would wait for ever after an error, so the waiting is done here. */
  g_mutex_lock (&self->lock);
  while (self->n_before >= MAX_BEFORE && !self->failed)
    g_cond_wait (&self->cond, &self->lock);
  ok = !self->failed;
  if (ok) {
    self->n_before++;
    add_stamp (self, frame, GST_BUFFER_PTS (buffer));
  }
  g_mutex_unlock (&self->lock);
  if (ok) {
    sample = gst_sample_new (buffer, self->caps, NULL, NULL);
    gst_app_src_push_sample (GST_APP_SRC (self->appsrc), sample);
    gst_sample_unref (sample);
  }
  gst_buffer_unref (buffer);
  return ok;
}

void
tc_upscale_push_end (TcUpscale *self)
{
  gst_app_src_end_of_stream (GST_APP_SRC (self->appsrc));
}

gboolean
tc_upscale_wait (TcUpscale *self, GError **error)
{
  gboolean ok;

  g_mutex_lock (&self->lock);
  while (!self->finished && !self->failed)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
  /* Wakes the encoding thread when it waits for a frame that will not come. */
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_mutex_lock (&self->lock);
  while (!self->finished)
    g_cond_wait (&self->cond, &self->lock);
  ok = !self->failed;
  if (self->error != NULL)
    tc_fail (error, "%s", self->error->message);
  g_mutex_unlock (&self->lock);
  return ok;
}

/* ---- frames out ---------------------------------------------------------------------------- */

typedef struct {
  GstVideoFrame frame;
} Mapped;

static void
unmap (void *opaque, uint8_t *data)
{
  Mapped *mapped = opaque;

  gst_video_frame_unmap (&mapped->frame);
  g_free (mapped);
}

/* Takes the properties of the frame that a buffer was made from, the one nearest in time. */
static AVFrame *
take_stamp (TcUpscale *self, GstClockTime time)
{
  AVFrame *properties = NULL;
  Stamp *stamp, *next;

  g_mutex_lock (&self->lock);
  while ((stamp = g_queue_pop_head (&self->stamps)) != NULL) {
    next = g_queue_peek_head (&self->stamps);
    if (next == NULL ||
        ABS (GST_CLOCK_DIFF (stamp->time, time)) <= ABS (GST_CLOCK_DIFF (next->time, time)))
      break;
    stamp_free (stamp);
  }
  if (stamp != NULL) {
    properties = g_steal_pointer (&stamp->properties);
    stamp_free (stamp);
  }
  g_mutex_unlock (&self->lock);
  return properties;
}

static AVFrame *
frame_from_buffer (TcUpscale *self, GstBuffer *buffer)
{
  const GstVideoInfo *info = &self->out_info;
  Mapped *mapped = g_new0 (Mapped, 1);
  AVFrame *frame;

  /* The mapping holds the buffer. */
  if (!gst_video_frame_map (&mapped->frame, info, buffer, GST_MAP_READ)) {
    g_free (mapped);
    return NULL;
  }
  frame = take_stamp (self, GST_BUFFER_PTS (buffer));
  if (frame == NULL) { /* more frames than were pushed */
    unmap (mapped, NULL);
    return NULL;
  }
  frame->buf[0] =
      av_buffer_create (GST_VIDEO_FRAME_PLANE_DATA (&mapped->frame, 0), GST_VIDEO_INFO_SIZE (info),
                        unmap, mapped, AV_BUFFER_FLAG_READONLY);
  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (&mapped->frame); p++) {
    frame->data[p] = GST_VIDEO_FRAME_PLANE_DATA (&mapped->frame, p);
    frame->linesize[p] = GST_VIDEO_FRAME_PLANE_STRIDE (&mapped->frame, p);
  }
  frame->format = tc_format_to_av (GST_VIDEO_INFO_FORMAT (info));
  frame->width = GST_VIDEO_INFO_WIDTH (info);
  frame->height = GST_VIDEO_INFO_HEIGHT (info);
  frame->crop_left = frame->crop_right = frame->crop_top = frame->crop_bottom = 0;
  tc_frame_set_progressive (frame);
  frame->pict_type = AV_PICTURE_TYPE_NONE;
  frame->sample_aspect_ratio = (AVRational){info->par_n, info->par_d};
  /* Regions are in the pixels of the input. */
  av_frame_remove_side_data (frame, AV_FRAME_DATA_REGIONS_OF_INTEREST);
  tc_frame_set_colours (frame, info);
  return frame;
}

AVFrame *
tc_upscale_pull (TcUpscale *self)
{
  GstSample *sample;
  GstCaps *caps;
  AVFrame *frame = NULL;
  gboolean stopped;

  while (frame == NULL) {
    sample = gst_app_sink_pull_sample (GST_APP_SINK (self->appsink));
    g_mutex_lock (&self->lock);
    stopped = self->failed;
    g_mutex_unlock (&self->lock);
    if (sample == NULL || stopped) {
      if (sample != NULL)
        gst_sample_unref (sample);
      return NULL;
    }
    caps = gst_sample_get_caps (sample);
    if (caps != self->out_caps && gst_video_info_from_caps (&self->out_info, caps))
      gst_caps_replace (&self->out_caps, caps);
    frame = frame_from_buffer (self, gst_sample_get_buffer (sample));
    gst_sample_unref (sample);
  }
  return frame;
}

void
tc_upscale_finish (TcUpscale *self, gboolean failed)
{
  g_mutex_lock (&self->lock);
  self->finished = TRUE;
  self->failed |= failed;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}
