/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter.h"
#include "message.h"

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/pixdesc.h>

struct _TcFilter {
  AVFilterGraph *graph;
  AVFilterContext *source, *sink;
};

static char *
describe_source (const AVFrame *like, AVRational time_base, AVRational frame_rate)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "video_size=%dx%d:pix_fmt=%s:time_base=%d/%d:frame_rate=%d/%d",
                   like->width, like->height, av_get_pix_fmt_name (like->format), time_base.num,
                   time_base.den, frame_rate.num, frame_rate.den);
  if (like->sample_aspect_ratio.num > 0)
    g_string_append_printf (text, ":pixel_aspect=%d/%d", like->sample_aspect_ratio.num,
                            like->sample_aspect_ratio.den);
#if LIBAVFILTER_VERSION_INT >= AV_VERSION_INT(10, 0, 100)
  g_string_append_printf (text, ":colorspace=%d:range=%d", like->colorspace, like->color_range);
#endif
  return g_string_free (text, FALSE);
}

static int
make_graph (TcFilter *self, const char *text, const char *source)
{
  AVFilterInOut *in = NULL, *out = NULL;
  int result;

  self->graph = avfilter_graph_alloc ();
  if (self->graph == NULL)
    return AVERROR (ENOMEM);
  result = avfilter_graph_create_filter (&self->source, avfilter_get_by_name ("buffer"), "in",
                                         source, NULL, self->graph);
  if (result >= 0)
    result = avfilter_graph_create_filter (&self->sink, avfilter_get_by_name ("buffersink"), "out",
                                           NULL, NULL, self->graph);
  if (result < 0)
    return result;
  /* Seen from the text: what comes in is another's output. */
  out = avfilter_inout_alloc ();
  in = avfilter_inout_alloc ();
  if (out != NULL && in != NULL) {
    *out = (AVFilterInOut){.name = av_strdup ("in"), .filter_ctx = self->source};
    *in = (AVFilterInOut){.name = av_strdup ("out"), .filter_ctx = self->sink};
    result = avfilter_graph_parse_ptr (self->graph, text, &in, &out, NULL);
    if (result >= 0)
      result = avfilter_graph_config (self->graph, NULL);
  } else {
    result = AVERROR (ENOMEM);
  }
  avfilter_inout_free (&in);
  avfilter_inout_free (&out);
  return result;
}

TcFilter *
tc_filter_new (const char *text, const AVFrame *like, AVRational time_base, AVRational frame_rate,
               GError **error)
{
  TcFilter *self = g_new0 (TcFilter, 1);
  char *source = describe_source (like, time_base, frame_rate);
  int result = make_graph (self, text, source);

  g_free (source);
  if (result < 0) {
    tc_fail_av (error, result, "FFmpeg's filter %s does not start", text);
    tc_filter_free (self);
    return NULL;
  }
  return self;
}

void
tc_filter_free (TcFilter *self)
{
  if (self == NULL)
    return;
  avfilter_graph_free (&self->graph);
  g_free (self);
}

gboolean
tc_filter_push (TcFilter *self, AVFrame *frame, GError **error)
{
  int result = av_buffersrc_add_frame_flags (self->source, frame, 0);

  return result >= 0 || tc_fail_av (error, result, "FFmpeg's filter failed");
}

gboolean
tc_filter_end (TcFilter *self, gint64 end, GError **error)
{
  int result = av_buffersrc_close (self->source, end, 0);

  return result >= 0 || tc_fail_av (error, result, "FFmpeg's filter failed");
}

gboolean
tc_filter_pull (TcFilter *self, AVFrame *frame)
{
  return av_buffersink_get_frame (self->sink, frame) >= 0;
}

AVRational
tc_filter_get_time_base (const TcFilter *self)
{
  return av_buffersink_get_time_base (self->sink);
}
