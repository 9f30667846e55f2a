/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "encoder.h"
#include "compat.h"
#include "encoder-options.h"
#include "colour.h"
#include "message.h"

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>

#include <string.h>

/* In the order they are tried: SVT-AV1 is by far the faster one, libaom takes more formats. */
static const struct {
  const char *codec;
  const char *encoder;
  int crf; /* near to what the eye cannot tell: this comes after hours of enlarging */
} encoders[] = {
    {"h264", "libx264", 18},  {"hevc", "libx265", 20},   {"vp9", "libvpx-vp9", 24},
    {"av1", "libsvtav1", 28}, {"av1", "libaom-av1", 24}, {"ffv1", "ffv1", -1},
};

static const char *const presets[] = {"placebo",   "veryslow",  "slower", "slow",
                                      "medium",    "fast",      "faster", "veryfast",
                                      "superfast", "ultrafast", NULL};

int
tc_encoder_crf (const AVCodec *codec, const TcOptions *options)
{
  if (options->crf >= 0)
    return options->crf;
  for (guint i = 0; i < G_N_ELEMENTS (encoders); i++)
    if (g_str_equal (encoders[i].encoder, codec->name))
      return encoders[i].crf;
  return -1;
}

/* The format nearest to `source` that both the encoder and the pipeline have. */
static enum AVPixelFormat
nearest_format (const AVCodec *codec, enum AVPixelFormat source)
{
  enum AVPixelFormat list[64], plain;
  GstVideoFormat own, work;
  gboolean full;
  int n = 0;

  for (const enum AVPixelFormat *f = tc_codec_get_pixel_formats (codec);
       f != NULL && *f != AV_PIX_FMT_NONE; f++) {
    plain = tc_format_plain (*f, &full);
    if (plain == source)
      return source;
    if (n < 63 && !full && tc_format_from_av (plain, &own, &work) && own == work)
      list[n++] = plain;
  }
  list[n] = AV_PIX_FMT_NONE;
  return n == 0 ? AV_PIX_FMT_NONE : avcodec_find_best_pix_fmt_of_list (list, source, 0, NULL);
}

static const char *
default_codec (const AVOutputFormat *container)
{
  if (avformat_query_codec (container, AV_CODEC_ID_H264, FF_COMPLIANCE_NORMAL) == 1)
    return "h264";
  if (avformat_query_codec (container, AV_CODEC_ID_VP9, FF_COMPLIANCE_NORMAL) == 1)
    return "vp9";
  return "h264";
}

gboolean
tc_encoder_choose (TcEncoderChoice *choice, const TcOptions *options,
                   const AVOutputFormat *container, enum AVPixelFormat source, GError **error)
{
  const char *name = options->codec != NULL ? options->codec : default_codec (container);
  gboolean preset_known = options->preset == NULL;

  *choice = (TcEncoderChoice){NULL, AV_PIX_FMT_NONE};
  for (guint i = 0; !preset_known && presets[i] != NULL; i++)
    preset_known = g_str_equal (presets[i], options->preset);
  if (!preset_known && (!g_ascii_isdigit (options->preset[0]) || options->preset[1] != '\0'))
    return tc_fail (error, "preset=%s: ultrafast to veryslow is wanted, or 0 to 9",
                    options->preset);

  for (guint i = 0; i < G_N_ELEMENTS (encoders); i++) {
    const AVCodec *codec;
    enum AVPixelFormat format;
    int loss;

    if (!g_str_equal (encoders[i].codec, name) ||
        (codec = avcodec_find_encoder_by_name (encoders[i].encoder)) == NULL ||
        (format = nearest_format (codec, source)) == AV_PIX_FMT_NONE)
      continue;
    if (avformat_query_codec (container, codec->id, FF_COMPLIANCE_NORMAL) == 0)
      return tc_fail (error, "%s cannot hold %s video; choose another codec= or extension",
                      container->name, name);
    loss = av_get_pix_fmt_loss (format, source, 0) & ~FF_LOSS_COLORSPACE;
    if (choice->codec == NULL || loss == 0) {
      choice->codec = codec;
      choice->format = format;
      if (loss == 0)
        break;
    }
  }
  if (choice->codec == NULL)
    return tc_fail (error, "FFmpeg has no encoder for codec=%s here", name);
  return tc_encoder_options_check (choice->codec, options->encoder_options, error);
}

/* ---- settings ------------------------------------------------------------------------------- */

/* The effort as those encoders count it that have no names for it: 0 is the slowest. */
static int
speed_of (const char *preset, int medium)
{
  if (preset == NULL)
    return medium;
  if (g_ascii_isdigit (preset[0]))
    return preset[0] - '0';
  for (int i = 0; presets[i] != NULL; i++)
    if (g_str_equal (presets[i], preset))
      return i;
  return medium;
}

static const char *
name_of (const char *preset)
{
  if (preset == NULL)
    return "medium";
  return g_ascii_isdigit (preset[0]) ? presets[preset[0] - '0'] : preset;
}

static int
in_units (AVRational value, int units)
{
  return value.den == 0 ? 0 : (int) av_rescale (value.num, units, value.den);
}

/* The encoders of this FFmpeg do not look at the side data of frames for these. */
static char *
hdr_params (const AVFrame *frame, const AVStream *source, gboolean x265, int threads)
{
  const AVMasteringDisplayMetadata *display = NULL;
  const AVContentLightMetadata *light = NULL;
  AVFrameSideData *data;
  GString *text = g_string_new (x265 ? "log-level=error" : NULL);

  /* Of its pools of threads FFmpeg does not tell x265. */
  if (x265 && threads > 0)
    g_string_append_printf (text, ":pools=%d", threads);

  data = av_frame_get_side_data (frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
  if (data != NULL)
    display = (const void *) data->data;
  else
    display = (const void *) tc_stream_get_side_data (source,
                                                      AV_PKT_DATA_MASTERING_DISPLAY_METADATA, NULL);
  data = av_frame_get_side_data (frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
  if (data != NULL)
    light = (const void *) data->data;
  else
    light = (const void *) tc_stream_get_side_data (source, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, NULL);

  if (display != NULL && display->has_primaries && display->has_luminance) {
    const AVRational (*p)[2] = display->display_primaries;

    g_string_append_printf (
        text, "%s%s=G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)", text->len ? ":" : "",
        x265 ? "hdr10=1:master-display" : "mastering-display", in_units (p[1][0], 50000),
        in_units (p[1][1], 50000), in_units (p[2][0], 50000), in_units (p[2][1], 50000),
        in_units (p[0][0], 50000), in_units (p[0][1], 50000),
        in_units (display->white_point[0], 50000), in_units (display->white_point[1], 50000),
        in_units (display->max_luminance, 10000), in_units (display->min_luminance, 10000));
  }
  if (light != NULL)
    g_string_append_printf (text, "%s%s=%u,%u", text->len ? ":" : "", x265 ? "max-cll" : "cll",
                            light->MaxCLL, light->MaxFALL);
  return g_string_free (text, FALSE);
}

static AVDictionary *
settings_for (const AVCodec *codec, const TcOptions *options, const AVFrame *first,
              const AVStream *source)
{
  AVDictionary *settings = NULL;
  int crf = tc_encoder_crf (codec, options);
  char *hdr;

  if (crf >= 0)
    av_dict_set_int (&settings, "crf", crf, 0);
  if (g_str_equal (codec->name, "libx264") || g_str_equal (codec->name, "libx265")) {
    gboolean x265 = codec->id == AV_CODEC_ID_HEVC;

    hdr = hdr_params (first, source, x265, options->threads);
    av_dict_set (&settings, "preset", name_of (options->preset), 0);
    if (hdr[0] != '\0')
      av_dict_set (&settings, x265 ? "x265-params" : "x264-params", hdr, 0);
    g_free (hdr);
  } else if (g_str_equal (codec->name, "libsvtav1")) {
    av_dict_set_int (&settings, "preset", speed_of (options->preset, 7) + 2, 0);
  } else if (codec->id == AV_CODEC_ID_VP9 || codec->id == AV_CODEC_ID_AV1) {
    /* Without a bit rate of 0 the encoder would keep to 200 kbit/s whatever the quality. */
    av_dict_set (&settings, "b", "0", 0);
    av_dict_set (&settings, "row-mt", "1", 0);
    av_dict_set_int (&settings, "cpu-used", MIN (speed_of (options->preset, 4), 8), 0);
  } else if (codec->id == AV_CODEC_ID_FFV1) {
    av_dict_set (&settings, "level", "3", 0);
    av_dict_set (&settings, "slicecrc", "1", 0);
    av_dict_set (&settings, "g", "1", 0);
  }
  tc_encoder_options_add (&settings, options->encoder_options);
  return settings;
}

AVCodecContext *
tc_encoder_open (const TcEncoderChoice *choice, const TcOptions *options, const AVFrame *first,
                 const AVStream *source, AVRational frame_rate, gboolean global_header,
                 GError **error)
{
  AVCodecContext *encoder = avcodec_alloc_context3 (choice->codec);
  AVDictionary *settings = settings_for (choice->codec, options, first, source);
  AVRational aspect = source->sample_aspect_ratio;
  gboolean refused;
  char *complaint;
  int result;

  encoder->width = first->width;
  encoder->height = first->height;
  encoder->pix_fmt = first->format;
  encoder->time_base = source->time_base;
  encoder->framerate = frame_rate;
  /* 1:1 that nobody told stays untold. */
  if (aspect.num > 0 || av_cmp_q (first->sample_aspect_ratio, (AVRational){1, 1}) != 0 ||
      source->codecpar->sample_aspect_ratio.num > 0)
    encoder->sample_aspect_ratio = first->sample_aspect_ratio;
  encoder->color_range = first->color_range;
  encoder->colorspace = first->colorspace;
  encoder->color_trc = first->color_trc;
  encoder->color_primaries = first->color_primaries;
  encoder->chroma_sample_location = first->chroma_location;
  encoder->field_order = AV_FIELD_PROGRESSIVE;
  encoder->thread_count = options->threads;
  if (global_header)
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;

  tc_log_listen ();
  result = avcodec_open2 (encoder, choice->codec, &settings);
  complaint = tc_log_take (&refused);
  av_dict_free (&settings);
  if (result < 0)
    tc_fail_av (error, result, "the encoder %s does not take %dx%d %s with these settings%s%s",
                choice->codec->name, first->width, first->height,
                av_get_pix_fmt_name (first->format), complaint != NULL ? ": " : "",
                complaint != NULL ? complaint : "");
  else if (refused)
    tc_fail (error, "encoder-options: %s: %s", choice->codec->name, complaint);
  if (result < 0 || refused)
    avcodec_free_context (&encoder);
  g_free (complaint);
  return encoder;
}

char *
tc_encoder_describe (const TcEncoderChoice *choice, const TcOptions *options)
{
  int crf = tc_encoder_crf (choice->codec, options);

  switch (choice->codec->id) {
  case AV_CODEC_ID_HEVC:
    return g_strdup_printf ("x265enc speed-preset=%s option-string=crf=%d ! h265parse",
                            name_of (options->preset), crf);
  case AV_CODEC_ID_VP9:
    return g_strdup_printf ("vp9enc deadline=1 cpu-used=%d end-usage=cq cq-level=%d row-mt=true",
                            MIN (speed_of (options->preset, 4), 8), crf);
  case AV_CODEC_ID_AV1:
    return g_strdup_printf ("av1enc cpu-used=%d end-usage=q ! av1parse",
                            MIN (speed_of (options->preset, 4), 8));
  case AV_CODEC_ID_FFV1:
    return g_strdup ("avenc_ffv1");
  default:
    return g_strdup_printf ("x264enc speed-preset=%s pass=qual quantizer=%d ! h264parse",
                            name_of (options->preset), MIN (crf, 50));
  }
}
